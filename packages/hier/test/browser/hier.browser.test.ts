import { cpuBackend } from '@ddcl/backend-cpu';
import { expect, inject, it } from 'vitest';
import { fitSmall } from './small.ts';

it('gives in a browser the topics that it gives in Node', async () => {
  const found = await fitSmall(cpuBackend());
  expect(found.saved).toEqual(found.topics);
  expect(found).toEqual(inject('nodeFit'));
  expect(new Set(found.topics).size).toBe(4);
});

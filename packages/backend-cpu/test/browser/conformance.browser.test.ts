import { runConformance } from '@ddcl/backend-conformance';
import { expect, it } from 'vitest';
import { cpuBackend } from '../../src/index.ts';

/** The same code as in Node, which asks all: what may differ is the engine, and that would show in many cases. */
const every = 4;

it('passes every fourth case of the suite in a browser', async () => {
  let seen = 0;
  const outcomes = await runConformance(() => cpuBackend(), { only: () => seen++ % every === 0 });
  expect(outcomes.length).toBeGreaterThan(1000);
  expect(outcomes.filter(({ status }) => status !== 'passed')).toEqual([]);
});

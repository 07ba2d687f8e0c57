import { runConformance } from '@ddcl/backend-conformance';
import { describe, expect, it } from 'vitest';
import { makeWebgpuBackend } from '../../src/webgpu-backend.ts';
import { gpu, hasAdapter } from '../support.ts';

/** With so little scratch, 257 tokens go in chunks of 128, 128 and 1. */
describe.runIf(hasAdapter)('tokens in three chunks', () => {
  it('give what they give in one', async () => {
    const outcomes = await runConformance(() => makeWebgpuBackend({ gpu }, { chunkBytes: 1 }), {
      only: ({ group, op, id }) =>
        (group === 'ddcl' && id.includes('n = 257')) ||
        (op?.startsWith('ddcl.segment') === true && id.includes('n = 257')),
    });
    expect(outcomes.length).toBeGreaterThan(7);
    expect(outcomes.filter(({ status }) => status !== 'passed')).toEqual([]);
  }, 180_000);
});

import { runConformance } from '@ddcl/backend-conformance';
import { describe, expect, it } from 'vitest';
import { makeWebgpuBackend } from '../../src/webgpu-backend.ts';
import { gpu, hasAdapter } from '../support.ts';

/** Cases of the suite on a backend that is made to take another way than its own. */
async function expectPassed(limits: Parameters<typeof makeWebgpuBackend>[1], n: number): Promise<void> {
  const outcomes = await runConformance(() => makeWebgpuBackend({ gpu }, limits), {
    only: ({ group, op, id }) => group === 'ddcl' && op?.startsWith('ddcl.') === true && id.includes(`n = ${n},`),
  });
  expect(outcomes.length).toBeGreaterThan(7);
  expect(outcomes.filter(({ status }) => status !== 'passed')).toEqual([]);
}

describe.runIf(hasAdapter)('the kernels for wide tokens', () => {
  it('take narrow ones', () => expectPassed({ narrowWidth: 0 }, 65), 180_000);

  // With so little scratch, 257 tokens go in chunks of 128, 128 and 1.
  it('take them in three chunks', () => expectPassed({ narrowWidth: 0, chunkBytes: 1 }, 257), 180_000);
});

import { runConformance } from '@ddcl/backend-conformance';
import { describe, expect, it } from 'vitest';
import { hasAdapter, makeBackend } from './support.ts';

/**
 * With `fused: false` only composites run otherwise, so of the suite those of DDCL are asked, at one length with each number of prototypes:
 * every such program compiles kernels of its own, and the suite would take as long as all the rest.
 */
describe.runIf(hasAdapter)('decomposed composites', () => {
  it('pass their cases', async () => {
    const outcomes = await runConformance(() => makeBackend({ fused: false }), {
      only: ({ group, op, id }) =>
        group === 'composite' && op !== undefined && op.startsWith('ddcl.') && id.includes('n = 65, K = 5,'),
    });
    expect(outcomes.length).toBeGreaterThan(5);
    expect(outcomes.filter(({ status }) => status !== 'passed')).toEqual([]);
  }, 180_000);
});

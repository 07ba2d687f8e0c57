import { f32, lossAndGradient, trace } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { planOf } from '../plans.ts';
import { planRunner } from '../run-plan.ts';
import { hasAdapter } from '../support.ts';

describe.runIf(hasAdapter)('more workgroups than a line of them has', () => {
  it('leave the last sum of errors alone', async () => {
    const n = 65_535 * 64 + 70;
    const program = trace([f32(n, 1), f32(n), f32(1, 1), f32()], (tokens, weights, prototypes, temperature) => {
      const { lq, gradient } = lossAndGradient({ tokens, weights, prototypes, temperature });
      return [lq, gradient];
    });
    const plan = planOf(program);
    expect(plan.dispatches[0]!.groups).toBeGreaterThan(65_535);
    // Only the tokens of the last workgroup count. Of one prototype at 0 the error is the square, and the gradient -2 sum z.
    const tokens = Float32Array.from({ length: n }, (_, at) => ((at * 7) % 5) - 1);
    const weights = new Float32Array(n).fill(1, n - 6);
    const results = await (await planRunner())(plan, [tokens, weights, Float32Array.of(0), Float32Array.of(1)]);
    const last = tokens.subarray(n - 6);
    expect(results[0]![0]).toBe(last.reduce((sum, z) => sum + z * z, 0));
    expect(results[1]![0]).toBe(-2 * last.reduce((sum, z) => sum + z, 0));
  }, 180_000);
});

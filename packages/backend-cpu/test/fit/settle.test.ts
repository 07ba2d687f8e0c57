import { fit, type FitOptions } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { deviation } from '../../../core/test/support/ddcl-problems.ts';
import { gradientOf, rowsOf } from '../../../core/test/support/oracle.ts';
import { cpuBackend } from '../../src/index.ts';
import { blobs, sourceOf } from './support.ts';

const dimension = 3;
const tokens = blobs(300, dimension, 6, 2, 1);
const weights = Float64Array.from({ length: 300 }, (_, n) => (n % 4) / 2);
const source = sourceOf(tokens, dimension, weights);
/** Two passes leave the prototypes on their way. */
const options: FitOptions = {
  prototypes: 12,
  steps: 20,
  batch: 30,
  records: 4,
  seed: 3,
  dtype: 'float64',
  temperature: { ofCritical: 0.01 },
  refinement: { passes: 2 },
  settle: true,
};
const run = (own: Partial<FitOptions> = {}) => fit(cpuBackend(), source, { ...options, ...own });

describe('a fit that settles', () => {
  it('ends in a minimum of L_q, wherever the tokens are', async () => {
    const [rough, settled, streamed] = [
      await run({ settle: false }),
      await run({ shuffle: false }),
      await run({ shuffle: false, tokenMemory: 0 }),
    ];
    expect(rough.stability.decrease).toBeGreaterThan(1e-5);
    for (const { model, stability, quantities } of [settled, streamed]) {
      expect(stability.curvature.smallest).toBeGreaterThan(0);
      expect(stability.decrease).toBeLessThan(1e-8);
      expect(quantities.loss.lq).toBeLessThan(rough.quantities.loss.lq);
      const gradient = gradientOf({
        tokens: rowsOf(tokens, dimension),
        weights: Array.from(weights),
        prototypes: rowsOf(model.prototypes, dimension),
        temperature: model.temperature,
      });
      const size = Math.max(...gradient.flat().map(Math.abs));
      // A step of 1e-4 of the clouds' size, times twice the largest mass.
      expect(size).toBeLessThan(2e-2);
    }
    // Passes of the device add up in other blocks, which steps carry on.
    expect(deviation(Array.from(settled.model.prototypes), Array.from(streamed.model.prototypes))).toBeLessThan(1e-3);
  });

  it('leaves a saddle point: two prototypes on one point part', async () => {
    const start = new Float64Array(2 * dimension);
    const two = { prototypes: 2, start, anneal: false, relocate: false, steps: 1, refinement: { passes: 3 } } as const;
    const [still, parted] = [await run({ ...two, settle: false }), await run(two)];
    expect(still.quantities.distinct).toBe(1);
    expect(still.stability.curvature.smallest).toBeLessThan(0);
    expect(parted.quantities.distinct).toBe(2);
    expect(parted.stability.curvature.smallest).toBeGreaterThan(0);
    expect(parted.quantities.loss.hard).toBeLessThan(0.9 * still.quantities.loss.hard);
  });

  it('gives the same bits again, and from its last checkpoint', async () => {
    let last: Uint8Array | undefined;
    const phases = new Set<string>();
    const whole = await run({
      onCheckpoint: async (make) => void (last = await make()),
      onProgress: ({ phase }) => phases.add(phase),
    });
    expect(phases).toContain('settle');
    const again = await run({ resume: last! });
    for (const { model, quantities, stability } of [again, await run()])
      expect({ model, quantities, stability }).toEqual({
        model: whole.model,
        quantities: whole.quantities,
        stability: whole.stability,
      });
  });
});

import { createRandom, sgd } from '@ddcl/core';
import { criticalTemperature, fit, type FitOptions } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { cpuBackend } from '../../src/index.ts';
import { blobs, sourceOf } from './support.ts';

const dimension = 3;
const tokens = blobs(300, dimension, 4, 3, 5);
const source = sourceOf(tokens, dimension);

const distance = (a: Float64Array, b: Float64Array): number => Math.hypot(...a.map((x, index) => x - b[index]!));

/** Full batch, fixed temperature, plain gradient descent at a constant rate. */
async function descend(start: Float64Array, temperature: number, learningRate: number, steps: number) {
  const options: FitOptions = {
    prototypes: 4,
    start,
    temperature,
    learningRate,
    steps,
    anneal: false,
    constantRate: true,
    shuffle: false,
    batch: 300,
    optimizer: sgd(),
    dtype: 'float64',
    records: 1,
  };
  return fit(cpuBackend(), source, options);
}

describe.each([0.02, 0.1, 0.3])('the largest learning rate at %f T_c', (share) => {
  it('is sharp: at 0.98 of it a perturbed optimum returns, at 1.02 it does not', async () => {
    const temperature = share * (await criticalTemperature(source));
    const rough = await fit(cpuBackend(), source, { prototypes: 4, temperature, steps: 200, dtype: 'float64' });
    const settled = await descend(rough.model.prototypes, temperature, 0.5 * rough.stability.maxLearningRate, 1500);
    const optimum = settled.model.prototypes;
    const { lambdaMin, lambdaMax, maxLearningRate, converged, tokens: measured } = settled.stability;
    expect({ converged, measured }).toEqual({ converged: true, measured: 300 });
    expect(lambdaMin).toBeGreaterThan(0);
    expect(maxLearningRate).toBe(2 / lambdaMax);

    const random = createRandom(8);
    const perturbed = optimum.map((x) => x + 1e-4 * random.normal());
    const before = distance(perturbed, optimum);
    // 400 steps multiply the part along the largest eigenvalue by 0.96^400 = 1e-7, and by 1.04^400 = 7e6 until it leaves the neighbourhood.
    const below = await descend(perturbed, temperature, 0.98 * maxLearningRate, 400);
    const above = await descend(perturbed, temperature, 1.02 * maxLearningRate, 400);
    expect(distance(below.model.prototypes, optimum) / before).toBeLessThan(0.1);
    expect(distance(above.model.prototypes, optimum) / before).toBeGreaterThan(10);
  });
});

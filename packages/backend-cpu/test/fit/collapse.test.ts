import { createRandom, f64, lossAndGradient, sgd, trace } from '@ddcl/core';
import { criticalTemperature, fit } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { jacobiEigenvalues } from '../../../core/test/support/dense.ts';
import { momentsOf, rowsOf } from '../../../core/test/support/oracle.ts';
import { cpuBackend } from '../../src/index.ts';
import { blobs, sourceOf } from './support.ts';

/** Anisotropic Gaussian tokens, standard deviations falling from 1, away from 0. */
function gaussian(tokens: number, dimension: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from(
    { length: tokens * dimension },
    (_, index) => 5 + 0.7 ** (index % dimension) * random.normal(),
  );
}

/** Sum of squared distances of prototypes from their mean. */
function spreadOf(prototypes: ArrayLike<number>, dimension: number): number {
  const rows = rowsOf(prototypes, dimension);
  return rows.length * momentsOf(rows).trace;
}

/** K prototypes around the tokens' mean, at a ten-thousandth of their spread. */
function nearCollapse(tokens: Float64Array, dimension: number, count: number): Float64Array {
  const { mean } = momentsOf(rowsOf(tokens, dimension));
  const random = createRandom(99);
  return Float64Array.from(
    { length: count * dimension },
    (_, index) => mean[index % dimension]! + 1e-4 * random.normal(),
  );
}

/** Plain gradient descent on the mean loss, all tokens at once; the prototypes after so many steps. */
async function descend(
  tokens: Float64Array,
  dimension: number,
  start: Float64Array,
  temperature: number,
  rate: number,
  steps: number,
): Promise<Float64Array> {
  const backend = cpuBackend();
  const [n, count] = [tokens.length / dimension, start.length / dimension];
  const program = trace([f64(n, dimension), f64(n), f64(count, dimension), f64()], (z, a, p, t) => {
    const { gradient } = lossAndGradient({ tokens: z, weights: a, prototypes: p, temperature: t });
    return [gradient];
  });
  const executable = await backend.compile(program);
  const upload = (data: Float64Array, ...shape: number[]) => backend.upload({ dtype: 'float64', shape }, data);
  const fixed = {
    z: upload(tokens, n, dimension),
    a: upload(new Float64Array(n).fill(1 / n), n),
    t: upload(Float64Array.of(temperature)),
  };
  const prototypes = start.slice();
  for (let step = 0; step < steps; step++) {
    const [gradient] = await executable.run([fixed.z, fixed.a, upload(prototypes, count, dimension), fixed.t], {
      donate: [2],
    });
    (await backend.download(gradient!)).forEach((value, index) => (prototypes[index]! -= rate * value));
    backend.free(gradient!);
  }
  return prototypes;
}

/**
 * Near collapse the Hessian of the mean loss along the widest direction is (2 / K) (1 - 4 lambda_max / T), and 2 / K at most. At a
 * rate of 0.9 K / 2 the spread there changes by a factor of 1 - 0.9 (1 - 4 lambda_max / T) per step: 1.0137 at 3.94 and
 * 0.9867 at 4.06, so 600 steps multiply it by 3,500 or a 3,000th. It starts in all directions, so growth and decay by 10 (100 of the square) are asked for.
 */
const steps = 600;

describe.each([
  [2, 2],
  [5, 3],
])('the collapse in %i dimensions, K = %i', (dimension, count) => {
  const tokens = gaussian(400, dimension, 7 + dimension);
  const { covariance } = momentsOf(rowsOf(tokens, dimension));
  const largest = jacobiEigenvalues(Float64Array.from(covariance.flat()), dimension).at(-1)!;
  const start = nearCollapse(tokens, dimension, count);

  it.each([3.5, 3.6, 3.7, 3.8, 3.9, 3.94])('is left at T / lambda_max = %f', async (ratio) => {
    const end = await descend(tokens, dimension, start, ratio * largest, 0.45 * count, steps);
    expect(spreadOf(end, dimension) / spreadOf(start, dimension)).toBeGreaterThan(100);
  });

  it.each([4.06, 4.1, 4.2, 4.3, 4.4, 4.5])('is fallen into at T / lambda_max = %f', async (ratio) => {
    const end = await descend(tokens, dimension, start, ratio * largest, 0.45 * count, steps);
    expect(spreadOf(end, dimension) / spreadOf(start, dimension)).toBeLessThan(0.01);
  });

  it('is left by a fit at 3.9, and a fit at 4.1 is refused', async () => {
    const options = {
      prototypes: count,
      start,
      anneal: false,
      optimizer: sgd(),
      learningRate: 0.45 * count,
      constantRate: true,
      steps,
      batch: 400,
      dtype: 'float64',
    } as const;
    const { model } = await fit(cpuBackend(), sourceOf(tokens, dimension), { ...options, temperature: 3.9 * largest });
    expect(spreadOf(model.prototypes, dimension) / spreadOf(start, dimension)).toBeGreaterThan(100);
    await expect(
      fit(cpuBackend(), sourceOf(tokens, dimension), { ...options, temperature: 4.1 * largest }),
    ).rejects.toMatchObject({ code: 'temperature' });
  });
});

describe('merged groups', () => {
  const dimension = 3;
  const tokens = blobs(480, dimension, 8, 4, 3);
  const source = sourceOf(tokens, dimension);

  it('hold at 0.9 T_c, and come apart in a fit that cools', async () => {
    const temperature = 0.9 * (await criticalTemperature(source));
    const shared = { prototypes: 8, steps: 600 };
    const hot = await fit(cpuBackend(), source, { ...shared, temperature, relocate: false });
    expect(hot.quantities.distinct).toBeLessThan(8);
    expect(hot.quantities.distinct).toBeGreaterThan(1);
    for (const relocate of [false, true]) {
      const cold = await fit(cpuBackend(), source, { ...shared, relocate });
      expect(cold.quantities).toMatchObject({ distinct: 8, used: 1 });
      expect(cold.stability.lambdaMin).toBeGreaterThan(0);
    }
  });
});

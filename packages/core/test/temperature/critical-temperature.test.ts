import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/random/random.ts';
import { criticalTemperature } from '../../src/temperature/critical-temperature.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { jacobiEigenvalues } from '../support/dense.ts';
import { momentsOf, rowsOf } from '../support/oracle.ts';
import { rejection } from '../support/run.ts';

const sourceOf = (data: Float64Array, dimension: number, weights?: Float64Array) =>
  tokensFromReader(tokensFromArray(data, dimension, weights));

/** Tokens with a spread of 1.1^axis, at 30 from the origin. */
function drawn(tokens: number, dimension: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from(
    { length: tokens * dimension },
    (_, index) => 30 + 1.1 ** (index % dimension) * random.normal(),
  );
}

function denseCriticalTemperature(data: Float64Array, dimension: number, weights?: Float64Array): number {
  const { covariance } = momentsOf(rowsOf(data, dimension), weights && Array.from(weights));
  return 4 * jacobiEigenvalues(Float64Array.from(covariance.flat()), dimension).at(-1)!;
}

describe('criticalTemperature', () => {
  it.each([1, 2, 5, 24])('is 4 times the largest eigenvalue of the covariance: m = %i', async (dimension) => {
    const data = drawn(80, dimension, dimension);
    // Both in float64; the mean of 30 against a spread of 1 costs three digits of 1e-16.
    expect(
      (await criticalTemperature(sourceOf(data, dimension))) / denseCriticalTemperature(data, dimension),
    ).toBeCloseTo(1, 11);
  });

  it('weighs tokens, and does not see those of weight 0', async () => {
    const data = drawn(60, 4, 9);
    const weights = Float64Array.from({ length: 60 }, (_, n) => n % 4);
    const actual = await criticalTemperature(sourceOf(data, 4, weights));
    expect(actual / denseCriticalTemperature(data, 4, weights)).toBeCloseTo(1, 11);
    expect(Math.abs(actual / denseCriticalTemperature(data, 4) - 1)).toBeGreaterThan(1e-3);
    const wild = data.map((x, index) => (weights[Math.floor(index / 4)] === 0 ? 1e200 : x));
    expect(await criticalTemperature(sourceOf(wild, 4, weights))).toBe(actual);
  });

  it('comes from products with the tokens where the covariance is not formed', async () => {
    const [tokens, dimension] = [9, 2049];
    const random = createRandom(4);
    const data = Float64Array.from(
      { length: tokens * dimension },
      (_, index) => 3 + (1 + (index % dimension) / dimension) * random.normal(),
    );
    const weights = Float64Array.from({ length: tokens }, (_, n) => 1 + (n % 3));
    // The Gram matrix of the centred, weighted tokens has the same eigenvalues other than 0, and is 9 x 9.
    const total = weights.reduce((a, b) => a + b);
    const rows = rowsOf(data, dimension);
    const mean = rows[0]!.map((_, axis) => rows.reduce((t, z, n) => t + (weights[n]! * z[axis]!) / total, 0));
    const centred = rows.map((z, n) => z.map((x, axis) => Math.sqrt(weights[n]! / total) * (x - mean[axis]!)));
    const gram = Float64Array.from(
      centred.flatMap((a) => centred.map((b) => a.reduce((t, x, axis) => t + x * b[axis]!, 0))),
    );
    const expected = 4 * jacobiEigenvalues(gram, tokens).at(-1)!;
    let passes = 0;
    const source = sourceOf(data, dimension, weights);
    const actual = await criticalTemperature({ ...source, blocks: (order) => (passes++, source.blocks(order)) });
    // A residual of 1e-4 leaves an error of about its square, 1e-8, and here far less: the Krylov space has 9 dimensions.
    expect(actual / expected).toBeCloseTo(1, 7);
    expect(passes).toBeGreaterThan(1);
    expect(passes).toBeLessThan(20);
  });

  it('of tokens that are all equal is 0', async () => {
    expect(await criticalTemperature(sourceOf(new Float64Array(12).fill(7), 3))).toBe(0);
  });

  it('refuses tokens without weight, and stops at a signal', async () => {
    expect((await rejection(criticalTemperature(sourceOf(drawn(4, 2, 1), 2, new Float64Array(4))))).code).toBe('data');
    expect((await rejection(criticalTemperature(sourceOf(drawn(4, 2, 1), 2), AbortSignal.abort()))).code).toBe(
      'aborted',
    );
  });
});

import { describe, expect, it } from 'vitest';
import { initialize, type Start } from '../../src/initialize/initialize.ts';
import { kMeans, type KMeansOptions } from '../../src/k-means/k-means.ts';
import { reseed } from '../../src/k-means/reseed.ts';
import { createRandom } from '../../src/random/random.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { errorOf, rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';

const numbers = [-12, -3, 0, 1, 7, 9];
const run = (tokens: readonly number[], options: Partial<KMeansOptions> = {}, weight?: number) => {
  const weights = weight === undefined ? undefined : new Float64Array(tokens.length).fill(weight);
  const source = tokensFromReader(tokensFromArray(Float64Array.from(tokens), 1, weights));
  return kMeans(strictBackend(), source, { count: 2, dtype: 'float64', ...options });
};

describe('kMeans refuses', () => {
  it.each([
    ['tokens whose squares overflow', 1e200, {}, undefined, 'within the range of float64'],
    ['weights whose sum overflows', 1, {}, 1e308, 'within the range of float64'],
    ['weights whose sums of squares overflow', 1e5, {}, 1e300, 'within the range of float64'],
    ['weights beyond float32', 1, { dtype: 'float32' }, 1e300, 'within the range of float32'],
    ['tokens beyond float32', 1e100, { dtype: 'float32' }, undefined, 'within the range of float32'],
    ['a start whose distances overflow', 1, { start: Float64Array.of(1e200, -1e200) }, undefined, 'of float64'],
  ] as const)('%s', async (_, factor, options, weight, text) => {
    const tokens = numbers.map((value) => factor * value);
    const error = await rejection(run(tokens, options, weight));
    expect(error).toMatchObject({ code: 'data', message: expect.stringContaining(text) });
  });

  it.each([NaN, -1, Infinity])('a tolerance of %s', async (tolerance) => {
    const error = await rejection(run(numbers, { tolerance }));
    expect(error).toMatchObject({ code: 'argument', message: expect.stringContaining(`>= 0, but is ${tolerance}`) });
  });

  it('a start that there is not, as whatever else starts', async () => {
    const start = 'kmeans++' as Start;
    const wanted = {
      code: 'argument',
      message: expect.stringContaining("'k-means++' or an array of prototypes, but is 'kmeans++'"),
    };
    expect(await rejection(run(numbers, { start }))).toMatchObject(wanted);
    const [sample, mean] = [Float64Array.of(1, 2), Float64Array.of(1.5)];
    const own = { count: 1, dimension: 1, sample, mean, random: createRandom(1), start };
    expect(errorOf(() => initialize(own))).toMatchObject(wanted);
  });
});

describe('a centroid without tokens', () => {
  it('goes where weight times squared distance is largest', () => {
    const sample = {
      count: 3,
      rows: Float64Array.of(0, 10, 3),
      // 10 is farther away from 0 than 3, but costs 1, not 9.
      weights: Float64Array.of(1, 0.01, 1),
      indices: Float64Array.of(0, 1, 2),
    };
    const centroids = Float64Array.of(0, 99);
    expect(reseed(centroids, [1], sample)).toBe(1);
    expect([...centroids]).toEqual([0, 3]);
  });

  it('keeps a run going that would end for its error', async () => {
    // The first has 0 and 10 at the start; then the means of the others, -1 and 11, are nearer to both.
    const tokens = [-1, -1, 0, 10, 11, 11];
    const errors: number[] = [];
    const { iterations } = await run(tokens, {
      count: 3,
      start: Float64Array.of(5, -6, 16),
      tolerance: 1,
      onProgress: ({ meanSquaredDistance }) => errors.push(meanSquaredDistance),
    });
    // With a tolerance of 1 any error is small enough at the second pass.
    expect(iterations).toBe(2);
    expect(errors[2]!).toBeLessThan(errors[1]!);
  });
});

import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { tokensFromArray, tokensFromReader, type TokenSource } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { fitAutomatic, type AutomaticCountProgress } from '../../src/surgery/automatic-count.ts';
import { codeOf } from '../thrown.ts';
import { planted, plantedSets } from './planted.ts';

const quick = { searchSteps: 150, steps: 20, batch: 1024 } as const;

function sourceOf(data: Float32Array, dimension: number): TokenSource {
  return tokensFromReader(tokensFromArray(data, dimension));
}

describe('fitAutomatic', () => {
  // All twenty, of which two may be missed: automatic-count.thorough.test.ts.
  it.each([1, 4, 6, 11].map((seed) => plantedSets[seed - 1]!))(
    'finds the number of clusters of %o',
    async (options) => {
      const result = await fitAutomatic(cpuBackend(), sourceOf(planted(options).data, options.dimension), quick);
      expect(result.model.count).toBe(options.clusters);
      expect(result.candidates.map(({ count }) => count)).toEqual(result.candidates.map((_, index) => index + 1));
      const lowest = result.candidates.reduce((best, one) => (one.criterion < best.criterion ? one : best));
      expect(lowest.count).toBe(options.clusters);
    },
  );

  it.each([2, 16, 64])('gives one prototype for one blob of dimension %i', async (dimension) => {
    const random = createRandom(dimension);
    const data = Float32Array.from({ length: 2000 * dimension }, () => random.normal());
    const { model, candidates } = await fitAutomatic(cpuBackend(), sourceOf(data, dimension), quick);
    expect(model.count).toBe(1);
    expect(candidates[0]).toMatchObject({ count: 1, criterion: 0, evidence: undefined });
  });

  it.each([1, 2, 8])('does not cut uniform noise of dimension %i up', async (dimension) => {
    const random = createRandom(dimension);
    const data = Float32Array.from({ length: 3000 * dimension }, () => random.uniform());
    const { model } = await fitAutomatic(cpuBackend(), sourceOf(data, dimension), quick);
    expect(model.count).toBeLessThanOrEqual(2);
  });

  it('fits the clusters it found, and tells how it came to their number', async () => {
    const set = { seed: 31, clusters: 5, dimension: 4, tokens: 1500, separation: 7, sizes: 3 };
    const { data, labels } = planted(set);
    const backend = cpuBackend();
    const seen: AutomaticCountProgress[] = [];
    const options = {
      ...quick,
      steps: 100,
      seed: 4,
      onProgress: (step: AutomaticCountProgress) => void seen.push(step),
    };
    const result = await fitAutomatic(backend, sourceOf(data, 4), options);
    expect(result.model.count).toBe(5);
    // The mean squared distance to the planted clusters' own centroids is what five prototypes can reach.
    const sums = new Float64Array(20);
    const sizes = new Float64Array(5);
    labels.forEach((label, n) => {
      sizes[label]!++;
      for (let axis = 0; axis < 4; axis++) sums[label * 4 + axis]! += data[n * 4 + axis]!;
    });
    let best = 0;
    labels.forEach((label, n) => {
      for (let axis = 0; axis < 4; axis++)
        best += (data[n * 4 + axis]! - sums[label * 4 + axis]! / sizes[label]!) ** 2 / 1500;
    });
    expect(result.quantities.loss.hard / best).toBeCloseTo(1, 2);
    expect(result.candidates[4]!.hard / best).toBeCloseTo(1, 2);
    expect(result.searched).toEqual([8]);
    const { candidates, statistics } = result;
    for (const [index, { hard }] of candidates.slice(1).entries()) expect(hard).toBeLessThan(candidates[index]!.hard);
    expect(candidates[0]!.hard).toBeCloseTo(statistics.totalVariance, 3);
    expect(candidates[0]!.temperature).toBeLessThanOrEqual(statistics.criticalTemperature * (1 + 1e-9));
    expect(candidates[4]!.temperature).toBeLessThan(candidates[0]!.temperature / 3);
    expect(new Set(seen.map(({ phase, count }) => `${phase} ${count}`))).toEqual(
      new Set(['sample 0', 'search 8', 'fit 5']),
    );
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    const again = await fitAutomatic(cpuBackend(), sourceOf(data, 4), options);
    expect(again.model).toEqual(result.model);
    expect(again.candidates).toEqual(candidates);
  });

  it('keeps to maxCount, to the number of distinct tokens, and to weights', async () => {
    const set = { seed: 32, clusters: 6, dimension: 3, tokens: 1200, separation: 7 };
    const { data, labels } = planted(set);
    const source = sourceOf(data, 3);
    const few = await fitAutomatic(cpuBackend(), source, { ...quick, maxCount: 4 });
    expect(few.model.count).toBe(4);
    expect(few.candidates).toHaveLength(4);
    expect(few.searched).toEqual([6]);
    const three = Float32Array.from({ length: 600 }, (_, n) => [0, 10, 25][n % 3]!);
    expect((await fitAutomatic(cpuBackend(), sourceOf(three, 1), quick)).model.count).toBe(3);
    const weights = Float64Array.from(labels, (label) => (label < 2 ? 0 : 1));
    const weighted = tokensFromReader(tokensFromArray(data, 3, weights));
    expect((await fitAutomatic(cpuBackend(), weighted, quick)).model.count).toBe(4);
  });

  it('refuses what does not fit, and stops when told to', async () => {
    const source = sourceOf(planted({ seed: 1, clusters: 2, dimension: 2, tokens: 200, separation: 6 }).data, 2);
    const backend = cpuBackend();
    for (const options of [
      { maxCount: 0 },
      { price: -1 },
      { price: NaN },
      { searchSteps: 0 },
      { steps: 1.5 },
      { seed: -1 },
    ])
      expect(await codeOf(() => fitAutomatic(backend, source, options))).toBe('argument');
    expect(await codeOf(() => fitAutomatic(backend, source, { signal: AbortSignal.abort() }))).toBe('aborted');
    const equal = sourceOf(new Float32Array(40).fill(3), 2);
    expect(await codeOf(() => fitAutomatic(backend, equal))).toBe('data');
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});

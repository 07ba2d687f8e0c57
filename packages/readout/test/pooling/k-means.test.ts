import { kmeans } from 'ml-kmeans';
import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { Readout } from '../../src/index.ts';
import { kMeans } from '../../src/pooling/k-means.ts';

const random = createRandom(1);
const [tokens, m, K] = [5000, 3, 6];
const centres = Float64Array.from({ length: K * m }, () => 6 * random.normal());
const data = Float32Array.from(
  { length: tokens * m },
  (_, i) => centres[(Math.floor(i / m) % K) * m + (i % m)]! + random.normal() + 50,
);
const source = tokensFromReader(tokensFromArray(data, m));

/** Mean squared distance to the nearest of some centroids, in float64. */
function hardError(centroids: readonly (readonly number[])[]): number {
  let total = 0;
  for (let n = 0; n < tokens; n++) {
    total += Math.min(...centroids.map((c) => c.reduce((sum, x, i) => sum + (data[n * m + i]! - x) ** 2, 0)));
  }
  return total / tokens;
}

describe('kMeans', () => {
  it('ends where Lloyd of ml-kmeans ends, from the same start', async () => {
    const backend = cpuBackend();
    const { model, iterations } = await kMeans(backend, source, { count: K, tolerance: 0, dtype: 'float64' });
    const { hard: before } = await kMeans(backend, source, { count: K, iterations: 1, dtype: 'float64' });
    const own = Array.from({ length: K }, (_, k) => [...model.prototypes.subarray(k * m, (k + 1) * m)]);
    const rows = Array.from({ length: tokens }, (_, n) => [...data.subarray(n * m, (n + 1) * m)]);
    const { centroids } = kmeans(rows, K, { initialization: own.map((c) => [...c]), maxIterations: 5 });
    expect(hardError(own)).toBeCloseTo(hardError(centroids), 9);
    expect(hardError(own)).toBeLessThan(before);
    expect(iterations).toBeGreaterThan(1);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('reports the error of its last pass, and gives a readout with hard occupancies', async () => {
    const backend = cpuBackend();
    const { model, hard } = await kMeans(backend, source, { count: K, tolerance: 0 });
    const own = Array.from({ length: K }, (_, k) => [...model.prototypes.subarray(k * m, (k + 1) * m)]);
    expect(hard / hardError(own)).toBeCloseTo(1, 4);
    const { assignments } = await Readout.fromModel(model, { backend }).encode(
      { data, shape: [tokens, m] },
      { outputs: ['assignments'] },
    );
    const soft = assignments!.data.filter((q) => q > 1e-3 && q < 1 - 1e-3).length;
    expect(soft).toBeLessThan(tokens * 1e-3);
  });

  it('gives tokens of weight 0 no say', async () => {
    const weights = Float64Array.from({ length: tokens }, (_, n) => (n % 10 === 0 ? 0 : 1));
    const spoiled = data.map((x, i) => (weights[Math.floor(i / m)] === 0 ? 1e4 : x));
    const weighted = tokensFromReader(tokensFromArray(spoiled, m, weights));
    const { model } = await kMeans(cpuBackend(), weighted, { count: K });
    expect(Math.max(...model.prototypes)).toBeLessThan(100);
  });

  it('refuses more centroids than distinct tokens', async () => {
    const same = tokensFromReader(tokensFromArray(new Float32Array(20).fill(1), 2));
    await expect(kMeans(cpuBackend(), same, { count: 2 })).rejects.toThrow(/distinct tokens/);
    await expect(kMeans(cpuBackend(), source, { count: 2, iterations: 0 })).rejects.toThrow(/iterations/);
  });
});

import { describe, expect, it } from 'vitest';
import * as ort from 'onnxruntime-node';
import { createMomentAccumulator, createRandom, tokensFromArray, tokensFromReader, tokenStatistics } from '@ddcl/core';
import { createDeviceCovariance, paysOnDevice } from '../../../core/src/tokens/device-covariance.ts';
import { ortBackend } from '../../src/index.ts';

const random = createRandom(1);
const [tokens, m] = [9000, 6];
const data = Float32Array.from({ length: tokens * m }, (_, i) => 40 + (1 + (i % m)) * random.normal());
const weights = Float64Array.from({ length: tokens }, (_, n) => n % 4);

describe('createDeviceCovariance', () => {
  it('agrees with float64 sums to float32 rounding, in blocks of any size, tokens of weight 0 left out', async () => {
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    const device = await createDeviceCovariance(backend, m);
    const exact = createMomentAccumulator(m);
    const spoiled = data.map((x, i) => (weights[Math.floor(i / m)] === 0 ? NaN : x));
    for (let first = 0; first < tokens; first += 1300) {
      const end = Math.min(tokens, first + 1300);
      const block = { data: spoiled.subarray(first * m, end * m), weights: weights.subarray(first, end) };
      await device.add({ ...block, rows: end - first });
      exact.addRows(data.subarray(first * m, end * m), block.weights);
    }
    const covariance = await device.result();
    const wanted = exact.result().covariance!;
    const largest = Math.max(...wanted);
    covariance.forEach((value, i) => expect(Math.abs(value - wanted[i]!)).toBeLessThan(2e-6 * largest));
    device.dispose();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    backend.dispose();
  });
});

describe('tokenStatistics with a backend', () => {
  it('sums the covariance of many tokens there', async () => {
    const wide = 2048;
    expect(paysOnDevice(2047, wide)).toBe(false);
    expect(paysOnDevice(2048, wide)).toBe(true);
    // Component 3 is 50 + 3 or 50 - 3, the rest 50: the largest variance is 9, so T_c is 36.
    const numbers = new Float32Array(2048 * wide).fill(50);
    for (let n = 0; n < 2048; n++) numbers[n * wide + 3]! += n % 2 === 0 ? 3 : -3;
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    const statistics = await tokenStatistics(tokensFromReader(tokensFromArray(numbers, wide)), {
      random: createRandom(2),
      sampleSize: 10,
      backend,
    });
    expect(statistics.criticalTemperature).toBeCloseTo(36, 4);
    expect(statistics.totalVariance).toBeCloseTo(9, 9);
    expect(statistics.tokens).toBe(2048);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    backend.dispose();
  });
});

import type { Backend } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import * as ort from 'onnxruntime-node';
import { createRandom } from '@ddcl/core';
import {
  createMomentAccumulator,
  tokensFromArray,
  tokensFromFloat16,
  tokensFromReader,
  tokenStatistics,
  type TokenBlock,
} from '@ddcl/core/fit';
import { fromFloat16, toFloat16 } from '@ddcl/core/safetensors';
import { createDeviceCovariance, paysOnDevice } from '../../../core/src/statistics/device-covariance.ts';
import { ortBackend } from '../../src/index.ts';

const random = createRandom(1);
const [tokens, m] = [9000, 6];
const data = Float32Array.from({ length: tokens * m }, (_, i) => 40 + (1 + (i % m)) * random.normal());
const weights = Float64Array.from({ length: tokens }, (_, n) => n % 4);

describe('createDeviceCovariance', () => {
  it.each([false, true])(
    'agrees with float64 sums to float32 rounding, in blocks of any size, tokens of weight 0 left out; half precision: %s',
    async (half) => {
      const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
      const device = await createDeviceCovariance(backend, m, half);
      const exact = createMomentAccumulator(m);
      const numbers = half ? fromFloat16(toFloat16(data)) : data;
      const spoiledNumbers = numbers.map((x, i) => (weights[Math.floor(i / m)] === 0 ? NaN : x));
      const spoiled = half ? toFloat16(spoiledNumbers) : spoiledNumbers;
      for (let first = 0; first < tokens; first += 1300) {
        const end = Math.min(tokens, first + 1300);
        const block = { data: spoiled.subarray(first * m, end * m), weights: weights.subarray(first, end) };
        await device.add({ ...block, rows: end - first } as TokenBlock);
        exact.addRows(numbers.subarray(first * m, end * m), block.weights);
      }
      const { mean, covariance } = await device.result();
      const wanted = exact.result();
      expect(device.weight).toBe(wanted.weight);
      const largest = Math.max(...wanted.covariance!);
      covariance.forEach((value, i) => expect(Math.abs(value - wanted.covariance![i]!)).toBeLessThan(2e-6 * largest));
      // Float32 sums of numbers of the size of the deviation.
      mean.forEach((value, i) => expect(Math.abs(value - wanted.mean[i]!)).toBeLessThan(2e-6 * Math.sqrt(largest)));
      device.dispose();
      expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
      backend.dispose();
    },
  );
});

describe('createDeviceCovariance', () => {
  it('keeps its digits when the first token lies far from the others', async () => {
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    const device = await createDeviceCovariance(backend, m, false);
    const exact = createMomentAccumulator(m);
    const numbers = data.map((x, i) => (i < m ? x + 5000 : x));
    for (let first = 0; first < tokens; first += 1500) {
      const block = { data: numbers.subarray(first * m, (first + 1500) * m), rows: 1500 };
      await device.add(block);
      exact.addRows(block.data);
    }
    const { mean, covariance } = await device.result();
    const wanted = exact.result();
    wanted.covariance!.forEach((value, i) => expect(Math.abs(covariance[i]! / value - 1)).toBeLessThan(2e-5));
    wanted.mean.forEach((value, i) => expect(Math.abs(mean[i]! - value)).toBeLessThan(1e-4));
    device.dispose();
    backend.dispose();
  });
});

describe('createDeviceCovariance of float64 tokens', () => {
  it('takes the first token off before it rounds to float32', async () => {
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    const device = await createDeviceCovariance(backend, 2, false);
    // A float32 at 1e8 has a last place of 8: the spread of 1 would be lost.
    const far = Float64Array.from({ length: 2000 }, (_, i) => 1e8 + (Math.floor(i / 2) % 2 === 0 ? 1 : -1));
    await device.add({ data: far, rows: 1000 });
    const { mean, covariance } = await device.result();
    expect(mean).toEqual(Float64Array.of(1e8, 1e8));
    expect(covariance).toEqual(Float64Array.of(1, 1, 1, 1));
    device.dispose();
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

  it('takes tokens in half precision as they are, and finds the statistics and the sample of their numbers', async () => {
    // Just enough products that the covariance is summed on the backend.
    const [many, wide] = [8700, 1000];
    const bits = toFloat16(Float32Array.from({ length: many * wide }, (_, i) => 3 + (1 + (i % 7)) * random.normal()));
    const numbers = fromFloat16(bits);
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    let sent = 0;
    const counting: Backend = {
      ...backend,
      upload(type, values) {
        if (type.dtype === 'float16') sent += values.length;
        return backend.upload(type, values);
      },
    };
    const options = { sampleSize: 40, countDistinctUpTo: 5 };
    const got = await tokenStatistics(tokensFromReader(tokensFromFloat16(bits, wide)), {
      ...options,
      random: createRandom(4),
      backend: counting,
    });
    expect(sent).toBeGreaterThanOrEqual(many * wide);
    const wanted = await tokenStatistics(tokensFromReader(tokensFromArray(numbers, wide)), {
      ...options,
      random: createRandom(4),
      backend,
    });
    expect(got.sample).toEqual(wanted.sample);
    expect([got.tokens, got.weight, got.distinctTokens]).toEqual([many, many, 5]);
    expect(got.criticalTemperature / wanted.criticalTemperature).toBeCloseTo(1, 5);
    // Mean and total variance beside sums in float64.
    const exact = createMomentAccumulator(wide, { maxCovarianceDimension: 0 });
    exact.addRows(numbers);
    const { mean, trace: variance } = exact.result();
    expect(got.totalVariance / variance).toBeCloseTo(1, 5);
    mean.forEach((value, axis) => expect(Math.abs(got.mean[axis]! - value)).toBeLessThan(1e-5));
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    backend.dispose();
  });
});

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
  type TokenSource,
} from '@ddcl/core/fit';
import { fromFloat16, toFloat16 } from '@ddcl/core/safetensors';
import { deviceMoments, paysOnDevice } from '../../../core/src/statistics/device-moments.ts';
import { ortBackend } from '../../src/index.ts';

const random = createRandom(1);
const [tokens, m] = [9000, 6];
const data = Float32Array.from({ length: tokens * m }, (_, i) => 40 + (1 + (i % m)) * random.normal());
const weights = Float64Array.from({ length: tokens }, (_, n) => n % 4);

/** A source of blocks of 1300 tokens, in numbers and, if there are bits, in half precision. */
function sourceOf(numbers: Float32Array | Float64Array, own?: Float64Array, bits?: Uint16Array): TokenSource {
  async function* cut<Data extends Float32Array | Float64Array | Uint16Array>(all: Data) {
    for (let first = 0; first < tokens; first += 1300) {
      const end = Math.min(tokens, first + 1300);
      const block = { data: all.subarray(first * m, end * m) as Data, rows: end - first };
      yield own === undefined ? block : { ...block, weights: own.subarray(first, end) };
    }
  }
  const source: TokenSource = { dimension: m, tokens, blocks: () => cut(numbers) };
  return bits === undefined ? source : { ...source, halfBlocks: () => cut(bits) };
}

describe('deviceMoments', () => {
  it.each([false, true])(
    'agrees with float64 sums to float32 rounding, in blocks of any size, tokens of weight 0 left out; half precision: %s',
    async (half) => {
      const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
      const exact = createMomentAccumulator(m);
      const numbers = half ? fromFloat16(toFloat16(data)) : data;
      exact.addRows(numbers, weights);
      const spoiled = numbers.map((x, i) => (weights[Math.floor(i / m)] === 0 ? 60_000 : x));
      const source = sourceOf(spoiled, weights, half ? toFloat16(spoiled) : undefined);
      const { weight, mean, covariance, trace } = (await deviceMoments(backend, source, { random }))!;
      const wanted = exact.result();
      expect(weight).toBe(wanted.weight);
      const largest = Math.max(...wanted.covariance!);
      covariance!.forEach((value, i) => expect(Math.abs(value - wanted.covariance![i]!)).toBeLessThan(2e-6 * largest));
      expect(trace / wanted.trace).toBeCloseTo(1, 5);
      // Float32 sums of numbers of the size of the deviation.
      mean.forEach((value, i) => expect(Math.abs(value - wanted.mean[i]!)).toBeLessThan(2e-6 * Math.sqrt(largest)));
      expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
      backend.dispose();
    },
  );

  it('keeps its digits when the first token lies far from the others', async () => {
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    const exact = createMomentAccumulator(m);
    const numbers = data.map((x, i) => (i < m ? x + 5000 : x));
    exact.addRows(numbers);
    const { mean, covariance } = (await deviceMoments(backend, sourceOf(numbers), { random }))!;
    const wanted = exact.result();
    wanted.covariance!.forEach((value, i) => expect(Math.abs(covariance![i]! / value - 1)).toBeLessThan(2e-5));
    wanted.mean.forEach((value, i) => expect(Math.abs(mean[i]! - value)).toBeLessThan(1e-4));
    backend.dispose();
  });

  it('takes the first tokens off float64 numbers before it rounds them to float32', async () => {
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    // A float32 at 1e8 has a last place of 8: the spread of 1 would be lost.
    const far = Float64Array.from({ length: 2000 }, (_, i) => 1e8 + (Math.floor(i / 2) % 2 === 0 ? 1 : -1));
    const moments = await deviceMoments(backend, tokensFromReader(tokensFromArray(far, 2)), { random });
    expect(moments).toEqual({
      weight: 1000,
      mean: Float64Array.of(1e8, 1e8),
      covariance: Float64Array.of(1, 1, 1, 1),
      trace: 2,
    });
    backend.dispose();
  });

  it.each([2 ** 130, 2 ** -160])('takes weights beyond the range of float32: times %d', async (factor) => {
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    const plain = (await deviceMoments(backend, sourceOf(data, weights), { random }))!;
    const scaled = (await deviceMoments(
      backend,
      sourceOf(
        data,
        weights.map((weight) => weight * factor),
      ),
      { random },
    ))!;
    expect(scaled).toEqual({ ...plain, weight: plain.weight * factor });
    backend.dispose();
  });

  describe('of very many tokens', () => {
    const covarianceTokens = 1024;
    // Sequences of 32, whose first tokens lie apart: 8 in 9, 1 in 32 of all, has most of the variance.
    const sequences = data.map((x, i) => (i % m === 0 && (i / m) % 32 === 0 ? x + 100 : x));

    it('draws those of the covariance from all blocks, whatever lies at every so manieth place', async () => {
      const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
      const exact = createMomentAccumulator(m);
      exact.addRows(sequences);
      const wanted = exact.result();
      const source = sourceOf(sequences);
      const drawn = async (seed: number) =>
        (await deviceMoments(backend, source, { random: createRandom(seed), covarianceTokens }))!;
      let mean = 0;
      for (let seed = 0; seed < 20; seed++) {
        const { mean: centre, trace, covariance } = await drawn(seed);
        // Of all tokens, to float32 rounding.
        expect(trace / wanted.trace).toBeCloseTo(1, 5);
        centre.forEach((value, i) => expect(Math.abs(value - wanted.mean[i]!)).toBeLessThan(1e-3));
        mean += covariance![0]! / wanted.covariance![0]! / 20;
      }
      // A variance that one token in 32 makes has a relative error of about sqrt(32 / 1536), but its share of the trace is 5 in 6, which is known;
      // over 20 draws that leaves 1 %.
      expect(Math.abs(mean - 1)).toBeLessThan(0.03);
      expect(await drawn(3)).toEqual(await drawn(3));
      expect((await drawn(3)).covariance).not.toEqual((await drawn(4)).covariance);
      expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
      backend.dispose();
    });

    it('takes all of them where hardly any has a weight', async () => {
      const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
      const rare = new Float64Array(tokens);
      for (const n of [10, 5000, 8999]) rare[n] = 2;
      const wanted = await deviceMoments(backend, sourceOf(data, rare), { random });
      const got = await deviceMoments(backend, sourceOf(data, rare), { random: createRandom(0), covarianceTokens });
      expect(got).toEqual(wanted);
      backend.dispose();
    });
  });

  it('finds nothing in tokens without weight', async () => {
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    expect(await deviceMoments(backend, sourceOf(data, new Float64Array(tokens)), { random })).toBeUndefined();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    backend.dispose();
  });
});

describe('tokenStatistics with a backend', () => {
  it('sums the covariance of many tokens there', async () => {
    const wide = 2048;
    expect(paysOnDevice(511, wide)).toBe(false);
    expect(paysOnDevice(512, wide)).toBe(true);
    // Component 3 is 50 + 3 or 50 - 3, the rest 50: the largest variance is 9, so T_c is 36.
    const numbers = new Float32Array(512 * wide).fill(50);
    for (let n = 0; n < 512; n++) numbers[n * wide + 3]! += n % 2 === 0 ? 3 : -3;
    const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
    const statistics = await tokenStatistics(tokensFromReader(tokensFromArray(numbers, wide)), {
      random: createRandom(2),
      sampleSize: 10,
      backend,
    });
    expect(statistics.criticalTemperature).toBeCloseTo(36, 4);
    expect(statistics.totalVariance).toBeCloseTo(9, 9);
    expect(statistics.tokens).toBe(512);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    backend.dispose();
  });

  it('takes tokens in half precision as they are, and finds the statistics and the sample of their numbers', async () => {
    // Just enough products that the covariance is summed on the backend.
    const [many, wide] = [2200, 1000];
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

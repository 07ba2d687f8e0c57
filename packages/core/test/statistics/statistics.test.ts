import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/random/random.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { tokenStatistics, type StatisticsOptions } from '../../src/statistics/statistics.ts';
import { momentsOf, rowsOf } from '../support/oracle.ts';
import { rejection } from '../support/run.ts';

const dimension = 3;
const random = createRandom(1);
const tokens = Float64Array.from({ length: 50 * dimension }, () => 100 + random.normal());
const weights = Float64Array.from({ length: 50 }, (_, n) => (n % 5 === 0 ? 0 : 1 + (n % 3)));
const statisticsOf = (options: Partial<StatisticsOptions> = {}, own = weights, data = tokens) =>
  tokenStatistics(tokensFromReader(tokensFromArray(data, dimension, own)), {
    random: createRandom(2),
    sampleSize: 10,
    ...options,
  });

describe('tokenStatistics', () => {
  it('gives weighted mean, variance and frame', async () => {
    const statistics = await statisticsOf();
    const expected = momentsOf(rowsOf(tokens, dimension), Array.from(weights));
    expect(statistics.tokens).toBe(50);
    expect(statistics.weight).toBe(expected.weight);
    // 100 against a spread of 1: 1e-16 times 1e4.
    expect(Array.from(statistics.mean)).toEqual(expected.mean.map((x) => expect.closeTo(x, 11)));
    expect(statistics.totalVariance).toBeCloseTo(expected.trace, 11);
    expect(statistics.frame.offset).toEqual(statistics.mean);
    expect(statistics.frame.scale).toBeCloseTo(Math.sqrt(expected.trace / dimension), 11);
  });

  it('samples tokens of positive weight, with their weights', async () => {
    const { sample } = await statisticsOf();
    expect(sample.count).toBe(10);
    sample.indices.forEach((token, index) => {
      expect(weights[token]).toBeGreaterThan(0);
      expect(sample.weights[index]).toBe(weights[token]);
      expect(sample.rows.subarray(index * dimension, (index + 1) * dimension)).toEqual(
        tokens.subarray(token * dimension, (token + 1) * dimension),
      );
    });
    expect((await statisticsOf({ sampleSize: 100 })).sample.count).toBe(40);
    expect((await statisticsOf({ random: createRandom(3) })).sample.indices).not.toEqual(sample.indices);
  });

  it('counts distinct tokens of positive weight, as far as asked', async () => {
    const few = Float64Array.from(tokens, (_, index) => Math.floor(index / dimension) % 4);
    const own = Float64Array.from({ length: 50 }, (_, n) => (n % 4 === 3 ? 0 : 1));
    expect((await statisticsOf({ countDistinctUpTo: 9 }, own, few)).distinctTokens).toBe(3);
    expect((await statisticsOf({ countDistinctUpTo: 2 }, own, few)).distinctTokens).toBe(2);
    expect((await statisticsOf({}, own, few)).distinctTokens).toBe(1);
  });

  it('has a scale of 1 where there is no spread', async () => {
    const { frame, totalVariance, criticalTemperature } = await statisticsOf(
      {},
      new Float64Array(10).fill(2),
      new Float64Array(30).fill(4),
    );
    expect({ totalVariance, criticalTemperature, scale: frame.scale }).toEqual({
      totalVariance: 0,
      criticalTemperature: 0,
      scale: 1,
    });
  });

  it('refuses numbers whose squares no float64 holds', async () => {
    const error = await rejection(statisticsOf({}, Float64Array.of(1, 1), Float64Array.of(1e300, 0, -1e300, 1, 2, 3)));
    expect(error).toMatchObject({ code: 'data', message: expect.stringContaining('beyond float64') as string });
  });

  it('tells how far it is, and stops at a signal', async () => {
    const told: number[] = [];
    await statisticsOf({ onProgress: (done) => told.push(done) });
    expect(told.at(-1)).toBe(50);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    const controller = new AbortController();
    const error = await rejection(statisticsOf({ signal: controller.signal, onProgress: () => controller.abort() }));
    expect(error.code).toBe('aborted');
  });
});

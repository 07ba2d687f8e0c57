import { describe, expect, it } from 'vitest';
import { initialize, pulledShare, type InitializeOptions } from '../../src/initialize/initialize.ts';
import { createRandom } from '../../src/random/random.ts';
import { momentsOf, rowsOf, squaredDistance } from '../support/oracle.ts';
import { errorOf } from '../support/run.ts';

const dimension = 3;

/** 300 tokens from N(4, 1), the first one also as the last. */
function sampleOf(seed: number): Float64Array {
  const random = createRandom(seed);
  const sample = Float64Array.from({ length: 300 * dimension }, () => 4 + random.normal());
  sample.copyWithin(299 * dimension, 0, dimension);
  return sample;
}

const sample = sampleOf(1);
const mean = Float64Array.from(momentsOf(rowsOf(sample, dimension)).mean);
const drawn = (options: Partial<InitializeOptions> = {}): number[][] =>
  rowsOf(initialize({ count: 7, dimension, sample, mean, random: createRandom(2), ...options }), dimension);

/** The token that each row is, to rounding. */
const tokensAt = (rows: readonly (readonly number[])[]): number[] =>
  rows.map((row) => rowsOf(sample, dimension).findIndex((token) => squaredDistance(row, token) < 1e-20));

describe('pulled, the default', () => {
  it('are distinct tokens at 0.3 of their distance from the mean', () => {
    expect(pulledShare).toBe(0.3);
    const pushed = drawn().map((row) => row.map((x, axis) => mean[axis]! + (x - mean[axis]!) / 0.3));
    const tokens = tokensAt(pushed);
    expect(tokens).not.toContain(-1);
    expect(new Set(tokens).size).toBe(7);
    expect(drawn({ start: 'pulled' })).toEqual(drawn());
  });
});

describe('tokens', () => {
  it('are distinct tokens where they are, seeded', () => {
    const tokens = tokensAt(drawn({ start: 'tokens' }));
    expect(tokens).not.toContain(-1);
    expect(new Set(tokens).size).toBe(7);
    expect(drawn({ start: 'tokens' })).toEqual(drawn({ start: 'tokens' }));
    expect(drawn({ start: 'tokens', random: createRandom(3) })).not.toEqual(drawn({ start: 'tokens' }));
  });

  it('equal tokens are taken once, -0 and 0 being equal', () => {
    const few = Float64Array.of(0, 1, -0, 1, 0, 5, 1, 5, 2);
    for (let seed = 0; seed < 20; seed++) {
      const got = initialize({
        count: 4,
        dimension: 1,
        sample: few,
        mean: Float64Array.of(1),
        random: createRandom(seed),
        start: 'tokens',
      });
      expect(Array.from(got, (x) => x + 0).sort((a, b) => a - b)).toEqual([0, 1, 2, 5]);
    }
  });

  it('every token has the same chance', () => {
    const hits = new Float64Array(4);
    const four = Float64Array.of(1, 2, 3, 4);
    for (let seed = 0; seed < 2000; seed++) {
      const [chosen] = initialize({
        count: 1,
        dimension: 1,
        sample: four,
        mean: Float64Array.of(0),
        random: createRandom(seed),
        start: 'tokens',
      });
      hits[chosen! - 1]!++;
    }
    // 500 each, standard deviation 19.4: five of them.
    for (const hit of hits) expect(Math.abs(hit - 500)).toBeLessThan(97);
  });
});

describe('k-means++', () => {
  it('are distinct tokens, spread wider than random ones', () => {
    const spread = (start: 'tokens' | 'k-means++'): number => {
      let total = 0;
      for (let seed = 0; seed < 30; seed++) {
        const rows = drawn({ start, random: createRandom(seed) });
        expect(new Set(tokensAt(rows)).size).toBe(7);
        total += Math.min(...rows.flatMap((a, i) => rows.slice(0, i).map((b) => squaredDistance(a, b))));
      }
      return total;
    };
    expect(spread('k-means++')).toBeGreaterThan(2 * spread('tokens'));
  });

  it('never takes a planted outlier, while the rest lasts', () => {
    const planted = sample.slice();
    planted.set([500, 500, 500], 17 * dimension);
    planted.set([-900, 0, 0], 230 * dimension);
    for (let seed = 0; seed < 50; seed++) {
      const rows = drawn({ sample: planted, start: 'k-means++', random: createRandom(seed) });
      for (const row of rows) expect(Math.max(...row.map(Math.abs))).toBeLessThan(20);
    }
  });

  it('takes the outlier when nothing else is left', () => {
    // 299 equal tokens and one far out: two prototypes need both places.
    const two = new Float64Array(300).fill(1).with(7, 100);
    const got = initialize({
      count: 2,
      dimension: 1,
      sample: two,
      mean: Float64Array.of(1.33),
      random: createRandom(1),
      start: 'k-means++',
    });
    expect(Array.from(got).sort((a, b) => a - b)).toEqual([1, 100]);
  });

  it('draws in proportion to the squared distance', () => {
    // The first is any; from 0 the places 1 and 3 have the weights 1 and 9, from 1: 1 and 4, from 3: 9 and 4.
    const three = Float64Array.of(0, 1, 3);
    let both = 0;
    for (let seed = 0; seed < 3000; seed++) {
      const got = initialize({
        count: 2,
        dimension: 1,
        sample: three,
        mean: Float64Array.of(1),
        random: createRandom(seed),
        start: 'k-means++',
      });
      if (Math.min(...got) === 0 && Math.max(...got) === 3) both++;
    }
    const expected = (0.9 + 0 + 9 / 13) / 3;
    // Five standard deviations of a share of 3,000.
    expect(Math.abs(both / 3000 - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / 3000));
  });

  it('draws in proportion to the weights too', () => {
    // The first by weight alone: 4 of 6, 1 and 1. From 0 the places 1 and 3 have 1 and 9, from 1: 4 and 4, from 3: 36 and 4.
    const expected = (4 * 0.9 + 0 + 0.9) / 6;
    let both = 0;
    for (let seed = 0; seed < 3000; seed++) {
      const got = initialize({
        count: 2,
        dimension: 1,
        sample: Float64Array.of(0, 1, 3),
        weights: Float64Array.of(4, 1, 1),
        mean: Float64Array.of(1),
        random: createRandom(seed),
        start: 'k-means++',
      });
      if (Math.min(...got) === 0 && Math.max(...got) === 3) both++;
    }
    expect(Math.abs(both / 3000 - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / 3000));
  });
});

describe('given prototypes', () => {
  it('are taken as they are, as a copy', () => {
    const given = Float32Array.from({ length: 21 }, (_, index) => index / 7);
    const got = initialize({ count: 7, dimension, sample, mean, random: createRandom(2), start: given });
    expect(got).toEqual(Float64Array.from(given));
    const own = Float64Array.from(given);
    const copy = initialize({ count: 7, dimension, sample, mean, random: createRandom(2), start: own });
    copy[0] = 99;
    expect(own[0]).toBe(0);
  });

  it.each([
    [new Float64Array(20), 'shape', '7 x 3 = 21 numbers, but 20 came'],
    [new Float64Array(21).fill(Infinity, 4, 5), 'data', 'prototype 1 holds Infinity'],
  ] as const)('that do not fit are refused', (start, code, text) => {
    const error = errorOf(() => drawn({ start }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });
});

describe('too few distinct tokens', () => {
  it.each(['pulled', 'tokens', 'k-means++'] as const)('%s: data, with the number there is', (start) => {
    const error = errorOf(() =>
      initialize({
        count: 3,
        dimension: 1,
        sample: Float64Array.of(1, 2, 1, 2),
        mean: Float64Array.of(1),
        random: createRandom(1),
        start,
      }),
    );
    expect(error).toMatchObject({ code: 'data', message: expect.stringContaining('Ask for at most 2 prototypes') });
  });
});

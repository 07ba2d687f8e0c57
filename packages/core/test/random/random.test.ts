import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { naturalLog } from '../../src/random/natural-log.ts';
import { createRandom, randomFrom, type Random } from '../../src/random/random.ts';
import { codeOf } from '../support/thrown.ts';

function draws(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.integer(2 ** 32));
}

/** Pearson's statistic against equal shares. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe('createRandom', () => {
  it('is xoshiro128** as its authors wrote it', () => {
    // Printed by the C code of prng.di.unimi.it/xoshiro128starstar.c started from s = {1, 2, 3, 4}.
    const random = randomFrom([1, 2, 3, 4], [1, 2, 3, 4]);
    expect(draws(random, 10)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('is seeded by splitmix64', () => {
    // Printed by C: two outputs of splitmix64(seed) split into low and high halves, then xoshiro128**.
    expect(draws(createRandom(0), 4)).toEqual([3737715805, 2584255861, 2876756834, 3286328325]);
    expect(draws(createRandom(42), 4)).toEqual([1776835114, 4165204688, 17111135, 2317295270]);
    expect(draws(createRandom(Number.MAX_SAFE_INTEGER), 4)).toEqual([1233166643, 1287031142, 661813442, 2960669951]);
  });

  it.each([-1, 1.5, NaN, Infinity, 2 ** 53, '3' as unknown as number])('refuses the seed %s', (seed) => {
    expect(codeOf(() => createRandom(seed))).toBe('argument');
  });

  it('builds uniform from two words, the first on top', () => {
    const [high, low] = draws(createRandom(42), 2) as [number, number];
    expect(createRandom(42).uniform()).toBe((Math.floor(high / 32) * 2 ** 26 + Math.floor(low / 64)) / 2 ** 53);
  });

  it('gives uniform numbers of the right moments, in [0, 1)', () => {
    const random = createRandom(7);
    const values = Array.from({ length: 100_000 }, () => random.uniform());
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const square = values.reduce((sum, x) => sum + x * x, 0) / values.length;
    expect(values.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(0.004);
    expect(Math.abs(square - 1 / 3)).toBeLessThan(0.004);
  });

  it('gives normal numbers of the right distribution', () => {
    const random = createRandom(8);
    const n = 100_000;
    const values = Array.from({ length: n }, () => random.normal());
    const moment = (power: number): number => values.reduce((sum, x) => sum + x ** power, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(0.014);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.02);
    expect(Math.abs(moment(3))).toBeLessThan(0.06);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.15);
    // Phi(-1.959964) = 0.025 in each tail.
    expect(Math.abs(values.filter((x) => x > 1.959964).length / n - 0.025)).toBeLessThan(0.002);
    expect(Math.abs(values.filter((x) => x < -1.959964).length / n - 0.025)).toBeLessThan(0.002);
  });

  it('gives integers below the bound, all alike', () => {
    const random = createRandom(9);
    const counts = [0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 70_000; i += 1) counts[random.integer(7)]! += 1;
    expect(chiSquare(counts)).toBeLessThan(22.5); // 0.999 quantile, 6 degrees of freedom
  });

  it('has no modulo bias where it would show', () => {
    // With bound 3 * 2^30, a plain modulo would make the lowest third twice as likely (1/2 instead of 1/3).
    const random = createRandom(10);
    const bound = 3 * 2 ** 30;
    let low = 0;
    for (let i = 0; i < 20_000; i += 1) if (random.integer(bound) < 2 ** 30) low += 1;
    expect(Math.abs(low / 20_000 - 1 / 3)).toBeLessThan(0.014);
  });

  it('covers bounds above 2^32', () => {
    const random = createRandom(11);
    const bound = 2 ** 52 + 1;
    const values = Array.from({ length: 2000 }, () => random.integer(bound));
    expect(values.every((x) => Number.isSafeInteger(x) && x >= 0 && x < bound)).toBe(true);
    expect(Math.abs(values.filter((x) => x < bound / 2).length / 2000 - 0.5)).toBeLessThan(0.05);
    expect(values.some((x) => x % 2 === 1) && values.some((x) => x % 2 === 0)).toBe(true);
  });

  it.each([0, -1, 1.5, NaN, 2 ** 53])('refuses the bound %s', (bound) => {
    expect(codeOf(() => createRandom(0).integer(bound))).toBe('argument');
  });

  it('makes permutations, each of them equally often', () => {
    const random = createRandom(12);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i += 1) {
      const key = random.permutation(4).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect([...counts.keys()].every((key) => [...key].sort().join('') === '0123')).toBe(true);
    expect(counts.size).toBe(24);
    expect(chiSquare([...counts.values()])).toBeLessThan(49.7); // 0.999 quantile, 23 degrees of freedom
    expect(random.permutation(0)).toEqual(new Int32Array(0));
    expect(codeOf(() => random.permutation(-1))).toBe('argument');
  });

  it('shuffles in place as permutation does', () => {
    const order = createRandom(13).permutation(20);
    const items = Array.from({ length: 20 }, (_, i) => `item ${i}`);
    const result = createRandom(13).shuffle(items);
    expect(result).toBe(items);
    expect(result).toEqual(Array.from(order, (i) => `item ${i}`));
  });

  it('forks streams that do not depend on use, and do not use the parent', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.oneof(fc.string(), fc.maxSafeInteger()), fc.nat(50), (seed, label, used) => {
        const fresh = createRandom(seed);
        const parent = createRandom(seed);
        for (let i = 0; i < used; i += 1) {
          parent.uniform();
          fresh.uniform();
        }
        expect(draws(parent.fork(label), 5)).toEqual(draws(createRandom(seed).fork(label), 5));
        expect(draws(parent, 5)).toEqual(draws(fresh, 5));
      }),
    );
  });

  it('tells labels, depths and parents apart', () => {
    const root = createRandom(1);
    const streams = [
      root,
      createRandom(2).fork('a'),
      root.fork('a'),
      root.fork('b'),
      root.fork('ab'),
      root.fork('ba'),
      root.fork(''),
      root.fork('a').fork('b'),
      root.fork('b').fork('a'),
      root.fork('a').fork('a'),
      root.fork(1),
      root.fork('1'),
      root.fork(0),
      root.fork(-1),
      root.fork(2 ** 40),
    ];
    expect(new Set(streams.map((stream) => draws(stream, 2).join())).size).toBe(streams.length);
    expect(codeOf(() => root.fork(0.5))).toBe('argument');
  });

  it('keeps forked streams uncorrelated', () => {
    const root = createRandom(3);
    const firsts = Array.from({ length: 20_000 }, (_, i) => root.fork(i).uniform());
    let product = 0;
    for (let i = 1; i < firsts.length; i += 1) product += (firsts[i - 1]! - 0.5) * (firsts[i]! - 0.5);
    expect(Math.abs(product / firsts.length) * 12).toBeLessThan(0.03);
    const counts = Array.from({ length: 10 }, (_, bin) => firsts.filter((x) => Math.floor(x * 10) === bin).length);
    expect(chiSquare(counts)).toBeLessThan(27.9); // 0.999 quantile, 9 degrees of freedom
  });
});

describe('naturalLog', () => {
  it('agrees with Math.log within two units in the last place', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -110, max: 2 ** 60, noNaN: true }), (x) => {
        expect(Math.abs(naturalLog(x) - Math.log(x))).toBeLessThanOrEqual(Math.abs(Math.log(x)) * 2 ** -51);
      }),
    );
    expect(naturalLog(1)).toBe(0);
  });
});

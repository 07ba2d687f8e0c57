import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { averagePrecision, discountedGain, normalizedDiscountedGain, precisionAt } from '../../src/metrics/ranking.ts';
import { codeOf } from '../support/thrown.ts';

describe('by hand', () => {
  it('discounts by log2(rank + 1)', () => {
    // 3/1 + 2/1.58496 + 3/2 + 0 + 1/2.58496 + 2/2.80735: the example of the article on DCG in Wikipedia.
    expect(discountedGain([3, 2, 3, 0, 1, 2], 6)).toBeCloseTo(6.861126688593502, 13);
    expect(discountedGain([3, 2, 3, 0, 1, 2], 1)).toBe(3);
    expect(discountedGain([0, 0, 1], 3)).toBe(0.5);
  });

  it('divides by the best ranking of all judged documents', () => {
    // The same example: the ideal order of 3 3 3 2 2 2 1 0, cut at 6, gains 8.740262365546284.
    expect(normalizedDiscountedGain([3, 2, 3, 0, 1, 2], 6, [3, 2, 3, 0, 1, 2, 3, 2])).toBeCloseTo(
      6.861126688593502 / 8.740262365546284,
      13,
    );
    // Two relevant, found at rank 3 only: 0.5 / (1 + 1/log2(3)).
    expect(normalizedDiscountedGain([0, 0, 1], 10, 2)).toBeCloseTo(0.5 / (1 + Math.log(2) / Math.log(3)), 13);
    expect(normalizedDiscountedGain([1, 1, 1], 3, 500)).toBe(1);
  });

  it('divides precision by k and average precision by all relevant documents', () => {
    expect(precisionAt([1, 0, 1, 1], 4)).toBe(0.75);
    expect(precisionAt([1, 0, 1, 1], 2)).toBe(0.5);
    expect(precisionAt([1], 4)).toBe(0.25);
    // (1/1 + 2/3) / 3
    expect(averagePrecision([1, 0, 2], 3)).toBeCloseTo(5 / 9, 14);
    expect(averagePrecision([0, 1], 1)).toBe(0.5);
  });

  it('is 0 where nothing is relevant or nothing was found', () => {
    expect(normalizedDiscountedGain([0, 0], 5, 0)).toBe(0);
    expect(normalizedDiscountedGain([0, 0], 5, [0, 0, 0])).toBe(0);
    expect(normalizedDiscountedGain([], 5, 3)).toBe(0);
    expect(precisionAt([], 5)).toBe(0);
    expect(averagePrecision([], 0)).toBe(0);
    expect(averagePrecision([0, 0], 4)).toBe(0);
  });
});

const grades = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 12 });
const cut = fc.integer({ min: 1, max: 15 });

/** All orders that matter: the best gain over every subset order is found by trying each document at each rank. */
function bestGain(pool: readonly number[], k: number): number {
  let best = 0;
  const choose = (rank: number, left: readonly number[], gain: number): void => {
    best = Math.max(best, gain);
    if (rank > k) return;
    [...new Set(left)].forEach((grade) => {
      const at = left.indexOf(grade);
      choose(rank + 1, [...left.slice(0, at), ...left.slice(at + 1)], gain + grade * (Math.LN2 / Math.log(rank + 1)));
    });
  };
  choose(1, pool, 0);
  return best;
}

describe('any list', () => {
  it('has the nDCG of the best of all orders', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 5 }),
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
        fc.integer({ min: 1, max: 7 }),
        (list, missed, k) => {
          const best = bestGain([...list, ...missed], k);
          let gain = 0;
          for (let rank = 1; rank <= k; rank++) gain += (list[rank - 1] ?? 0) * (Math.LN2 / Math.log(rank + 1));
          const expected = best === 0 ? 0 : gain / best;
          expect(normalizedDiscountedGain(list, k, [...missed, ...list])).toBeCloseTo(expected, 12);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has the same nDCG for a count as for that many relevances of 1', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1 })), fc.nat(5), cut, (list, missed, k) => {
        const total = list.filter((relevance) => relevance === 1).length + missed;
        const ones = Array.from({ length: total }, () => 1);
        expect(normalizedDiscountedGain(list, k, total)).toBe(normalizedDiscountedGain(list, k, ones));
      }),
    );
  });

  it('has the precision and the average precision of their definitions', () => {
    fc.assert(
      fc.property(grades, fc.nat(4), cut, (list, missed, k) => {
        const precision = (rank: number): number => list.slice(0, rank).filter((grade) => grade > 0).length / rank;
        expect(precisionAt(list, k)).toBeCloseTo(precision(k), 14);
        const total = list.filter((grade) => grade > 0).length + missed;
        // The change of recall at each rank times the precision there.
        const recall = (rank: number): number => list.slice(0, rank).filter((grade) => grade > 0).length / total;
        const steps = list.map((_, index) => precision(index + 1) * (recall(index + 1) - recall(index)));
        const expected = total === 0 ? 0 : steps.reduce((sum, step) => sum + step, 0);
        expect(averagePrecision(list, total)).toBeCloseTo(expected, 12);
      }),
    );
  });
});

describe('refusals', () => {
  it('names what does not fit', () => {
    expect(codeOf(() => discountedGain([1], 0))).toBe('argument');
    expect(codeOf(() => precisionAt([1], 1.5))).toBe('argument');
    expect(codeOf(() => discountedGain([Number.NaN], 1))).toBe('data');
    expect(codeOf(() => discountedGain([1, -1], 1))).toBe('data');
    expect(codeOf(() => normalizedDiscountedGain([1, 1], 2, 1))).toBe('argument');
    expect(codeOf(() => normalizedDiscountedGain([2], 2, 1))).toBe('data');
    expect(codeOf(() => normalizedDiscountedGain([2], 2, [1]))).toBe('argument');
    expect(codeOf(() => averagePrecision([1, 1], 1))).toBe('argument');
    expect(codeOf(() => averagePrecision([1], Number.NaN))).toBe('argument');
  });
});

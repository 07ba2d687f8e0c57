import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { defaultBatchTokens, planBatches } from '../../src/encoder/plan-batches.ts';

const random = createRandom(3);
const lengths = Array.from({ length: 500 }, () => Math.floor(random.uniform() * 300));

const paddedTokens = (plans: readonly (readonly number[])[]): number =>
  plans.reduce((sum, plan) => sum + plan.length * Math.max(...plan.map((index) => lengths[index]!)), 0);

describe('planBatches', () => {
  it('takes each document that has tokens exactly once', () => {
    const all = planBatches(lengths, undefined).flat();
    const expected = lengths.flatMap((length, index) => (length > 0 ? [index] : []));
    expect(all.sort((a, b) => a - b)).toEqual(expected);
  });

  it('keeps to the budget of tokens and pads little', () => {
    const plans = planBatches(lengths, undefined);
    for (const plan of plans) expect(paddedTokens([plan])).toBeLessThanOrEqual(defaultBatchTokens);
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    expect(paddedTokens(plans) / tokens).toBeLessThan(1.1);
    expect(plans.length).toBeLessThan((1.3 * tokens) / defaultBatchTokens + 1);
  });

  it('keeps to a number of documents', () => {
    expect(planBatches([5, 1, 3, 3], 2)).toEqual([
      [0, 2],
      [3, 1],
    ]);
    expect(planBatches([5, 1, 3, 3], 1)).toEqual([[0], [2], [3], [1]]);
  });

  it('runs a document longer than the budget alone', () => {
    expect(planBatches([2 * defaultBatchTokens, 10, 10], undefined)).toEqual([[0], [1, 2]]);
  });
});

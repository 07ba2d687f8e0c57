import { preprocessTokens } from '@ddcl/core/fit';
import { expect, it } from 'vitest';

it('standardizes before it normalizes', () => {
  const standardize = { mean: [1, 1, -2], deviation: [2, 1.5, 1] };
  const tokens = Float64Array.of(3, 4, 0, 1, 1, -2);
  // (1, 2, 2) of length 3, and the mean itself, which has no direction.
  const both = [...preprocessTokens(tokens, 3, { standardize, normalize: true })];
  [1 / 3, 2 / 3, 2 / 3, 0, 0, 0].forEach((value, place) => expect(both[place]).toBeCloseTo(value, 15));
  expect([...preprocessTokens(tokens, 3, { standardize, normalize: false })]).toEqual([1, 2, 2, 0, 0, 0]);
  const unit = preprocessTokens(tokens.subarray(0, 3), 3, { standardize: null, normalize: true });
  [0.6, 0.8, 0].forEach((value, place) => expect(unit[place]).toBeCloseTo(value, 15));
  expect([...tokens]).toEqual([3, 4, 0, 1, 1, -2]);
});

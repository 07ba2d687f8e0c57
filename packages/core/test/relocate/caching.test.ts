import { expect, it } from 'vitest';
import { createRandom } from '../../src/random/random.ts';
import { cellSplitter } from '../../src/relocate/split.ts';

const [tokens, count, dimension] = [300, 12, 3];
const random = createRandom(5);
const sample = {
  rows: Float64Array.from({ length: tokens * dimension }, () => random.normal()),
  weights: Float64Array.from({ length: tokens }, (_, n) => 1 + (n % 3)),
  dimension,
};

it('later splits are those of a first call, whatever has moved in between', () => {
  const split = cellSplitter(sample, count);
  const codes = Int32Array.from({ length: tokens }, () => random.integer(count));
  let before = split(codes.slice());
  for (let round = 0; round < 10; round++) {
    // A few tokens change hands.
    for (let moved = 0; moved < 2; moved++) codes[random.integer(tokens)] = random.integer(count);
    const splits = split(codes.slice());
    expect(splits).toEqual(cellSplitter(sample, count)(codes.slice()));
    // Some are new, and most are the very same.
    expect(splits.filter((each, k) => each !== before[k]).length).toBeGreaterThan(0);
    expect(splits.filter((each, k) => each !== undefined && each === before[k]).length).toBeGreaterThan(0);
    before = splits;
  }
});

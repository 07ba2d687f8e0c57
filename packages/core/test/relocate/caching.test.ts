import { expect, it } from 'vitest';
import { createRandom } from '../../src/random/random.ts';
import { cellAssigner } from '../../src/relocate/cells.ts';
import { cellSplitter } from '../../src/relocate/split.ts';

const [tokens, count, dimension] = [300, 12, 3];
const random = createRandom(5);
const sample = {
  rows: Float64Array.from({ length: tokens * dimension }, () => random.normal()),
  weights: Float64Array.from({ length: tokens }, (_, n) => 1 + (n % 3)),
  dimension,
};

it('a later assignment and its splits are those of a first one, whatever has moved in between', () => {
  const prototypes = sample.rows.slice(0, count * dimension);
  const assign = cellAssigner(sample, prototypes);
  const split = cellSplitter(sample, count);
  let before = split(assign().codes);
  for (let round = 0; round < 10; round++) {
    const moved = [random.integer(count), random.integer(count)];
    for (const k of moved)
      for (let axis = 0; axis < dimension; axis++) prototypes[k * dimension + axis] = 2 * random.normal();
    const cells = assign(moved);
    expect(cells).toEqual(cellAssigner(sample, prototypes.slice())());
    const splits = split(cells.codes);
    expect(splits).toEqual(cellSplitter(sample, count)(cells.codes));
    // Some are new, and most are the very same.
    expect(splits.filter((each, k) => each !== before[k]).length).toBeGreaterThan(0);
    expect(splits.filter((each, k) => each !== undefined && each === before[k]).length).toBeGreaterThan(0);
    before = splits;
  }
});

import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { expect, it } from 'vitest';
import { nearestRows, neighbours, recallOf } from '../../src/vq/recall.ts';

const dimension = 4;
const random = createRandom(5);
/** Far from the origin, where float32 squares have no digits for the differences. */
const drawn = (count: number) => ({
  rows: Float32Array.from({ length: count * dimension }, () => 3000 + random.normal()),
  count,
  dimension,
});

it('nearestRows finds what distances in double precision say, in their order', async () => {
  const [queries, base] = [drawn(7), drawn(60)];
  const found = await nearestRows(cpuBackend(), queries, base);
  const expected = Array.from({ length: queries.count }, (_, query) => {
    const distances = Array.from({ length: base.count }, (_each, row) => {
      let sum = 0;
      for (let axis = 0; axis < dimension; axis++)
        sum += (queries.rows[query * dimension + axis]! - base.rows[row * dimension + axis]!) ** 2;
      return { row, sum };
    });
    return distances.sort((a, b) => a.sum - b.sum).slice(0, neighbours);
  });
  expect(Array.from(found)).toEqual(expected.flat().map(({ row }) => row));
});

it('recallOf counts neighbours whatever their order', () => {
  const truth = Array.from({ length: 2 * neighbours }, (_, index) => index);
  const found = truth.map((index) => (index < neighbours ? neighbours - 1 - index : index % 3 === 0 ? -index : index));
  // Of the second query 12, 15 and 18 are missing.
  expect(recallOf(truth, found)).toBe(17 / 20);
});

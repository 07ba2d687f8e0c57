import type { Pieces } from '../abort/pieces.ts';

/** A text of a row's numbers that equal rows share, and no others; -0 counts as 0. */
export function rowKey(data: Float32Array | Float64Array, start: number, dimension: number): string {
  const numbers = new Float64Array(dimension);
  for (let axis = 0; axis < dimension; axis++) numbers[axis] = data[start + axis]! + 0;
  const bits = new Uint16Array(numbers.buffer);
  let key = '';
  // Few enough to be arguments of one call.
  for (let first = 0; first < bits.length; first += 4096)
    key += Reflect.apply(String.fromCharCode, undefined, bits.subarray(first, first + 4096));
  return key;
}

/** The first `most` rows that differ from each other, going through `order`. */
export function* distinctRows(
  data: Float64Array,
  dimension: number,
  order: ArrayLike<number>,
  most: number,
): Pieces<number[]> {
  const seen = new Set<string>();
  const rows: number[] = [];
  for (let index = 0; index < order.length && rows.length < most; index++) {
    const row = order[index]!;
    const key = rowKey(data, row * dimension, dimension);
    if (seen.has(key)) continue;
    seen.add(key);
    rows.push(row);
    yield;
  }
  return rows;
}

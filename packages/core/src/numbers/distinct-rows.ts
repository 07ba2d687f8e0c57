/** A row's numbers as a text that equal rows share; -0 counts as 0. */
export function rowKey(data: Float32Array | Float64Array, start: number, dimension: number): string {
  let key = '';
  for (let axis = 0; axis < dimension; axis++) key += `${data[start + axis]! + 0},`;
  return key;
}

/** The first `most` rows that differ from each other, going through `order`. */
export function distinctRows(data: Float64Array, dimension: number, order: ArrayLike<number>, most: number): number[] {
  const seen = new Set<string>();
  const rows: number[] = [];
  for (let index = 0; index < order.length && rows.length < most; index++) {
    const row = order[index]!;
    const key = rowKey(data, row * dimension, dimension);
    if (seen.has(key)) continue;
    seen.add(key);
    rows.push(row);
  }
  return rows;
}

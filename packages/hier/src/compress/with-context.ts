/** Where a token stands, as a part of what tells it from others. */
export interface TokenContext {
  /** Tokens to each side. */
  readonly reach: number;
  /** Length of the mean direction of these tokens, in lengths of a token, >= 0; 0 for none. */
  readonly weight: number;
}

/**
 * Each token plus the direction of the mean of the tokens around it. Cells of these are of one meaning and one part of the text.
 *
 * @param points [n, m]
 */
export function withContext(points: Float32Array, dimension: number, { reach, weight }: TokenContext): Float32Array {
  const rows = points.length / dimension;
  const result = new Float32Array(points.length);
  // Of the window, which moves on by a token at a time.
  const sum = new Float64Array(dimension);
  const add = (row: number, sign: number): void => {
    if (row < 0 || row >= rows) return;
    for (let axis = 0; axis < dimension; axis++) sum[axis]! += sign * points[row * dimension + axis]!;
  };
  for (let row = 0; row < reach; row++) add(row, 1);
  for (let row = 0; row < rows; row++) {
    add(row + reach, 1);
    add(row - reach - 1, -1);
    let squares = 0;
    for (let axis = 0; axis < dimension; axis++) squares += sum[axis]! ** 2;
    const scale = squares > 0 ? weight / Math.sqrt(squares) : 0;
    for (let axis = 0; axis < dimension; axis++)
      result[row * dimension + axis] = points[row * dimension + axis]! + scale * sum[axis]!;
  }
  return result;
}

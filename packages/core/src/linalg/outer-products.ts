/** Vectors that {@link addOuterProducts} handles at once. */
export const rowsAtOnce = 4;

/**
 * Adds four outer products `left_r right_r^T` to the upper triangle at once, two rows of it at a time: the inner loop
 * runs along memory, with 16 operations for its 6 loads (1.6 times as fast as one row at a time). Entries just
 * below the diagonal are written too, and mean nothing.
 */
export function addOuterProducts(
  matrix: Float64Array,
  m: number,
  left: readonly Float64Array[],
  right: readonly Float64Array[],
): void {
  const [l0, l1, l2, l3] = left as [Float64Array, Float64Array, Float64Array, Float64Array];
  const [r0, r1, r2, r3] = right as [Float64Array, Float64Array, Float64Array, Float64Array];
  for (let i = 0; i + 1 < m; i += 2) {
    const a0 = l0[i] as number;
    const a1 = l1[i] as number;
    const a2 = l2[i] as number;
    const a3 = l3[i] as number;
    const b0 = l0[i + 1] as number;
    const b1 = l1[i + 1] as number;
    const b2 = l2[i + 1] as number;
    const b3 = l3[i + 1] as number;
    const upper = i * m;
    const lower = upper + m;
    for (let j = i; j < m; j += 1) {
      const w = r0[j] as number;
      const x = r1[j] as number;
      const y = r2[j] as number;
      const z = r3[j] as number;
      matrix[upper + j] = (matrix[upper + j] as number) + (a0 * w + a1 * x + (a2 * y + a3 * z));
      matrix[lower + j] = (matrix[lower + j] as number) + (b0 * w + b1 * x + (b2 * y + b3 * z));
    }
  }
  if (m % 2 === 1) {
    // The upper triangle of the last row is one entry.
    const last = m * m - 1;
    for (let r = 0; r < rowsAtOnce; r += 1) {
      const product = ((left[r] as Float64Array)[m - 1] as number) * ((right[r] as Float64Array)[m - 1] as number);
      matrix[last] = (matrix[last] as number) + product;
    }
  }
}

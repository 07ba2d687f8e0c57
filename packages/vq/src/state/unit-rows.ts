/** A copy with rows of length 1; zeros stay zeros. */
export function unitRows(rows: Float32Array, width: number): Float32Array {
  const made = rows.slice();
  for (let start = 0; start < rows.length; start += width) {
    const length = Math.hypot(...rows.subarray(start, start + width));
    if (length > 0) for (let index = start; index < start + width; index++) made[index] = rows[index]! / length;
  }
  return made;
}

/** The nearest prototype of each row, [n]. */
export function nearestOf(rows: Float64Array, prototypes: Float64Array, dimension: number): Int32Array {
  const count = prototypes.length / dimension;
  const nearest = new Int32Array(rows.length / dimension);
  for (let row = 0; row < nearest.length; row++) {
    let least = Infinity;
    for (let k = 0; k < count; k++) {
      let distance = 0;
      for (let axis = 0; axis < dimension && distance < least; axis++)
        distance += (rows[row * dimension + axis]! - prototypes[k * dimension + axis]!) ** 2;
      if (distance < least) [least, nearest[row]] = [distance, k];
    }
  }
  return nearest;
}

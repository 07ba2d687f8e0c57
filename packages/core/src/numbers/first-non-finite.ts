/**
 * Index of the first NaN or infinity among the first `length` numbers; -1 if there is none.
 *
 * @param length at most the values' own, which is the default
 */
export function firstNonFinite(values: ArrayLike<number>, length: number = values.length): number {
  // x - x is 0 for finite numbers, for anything else NaN, which stays so in a sum. Four sums do not wait for each other, which
  // makes this about twice as fast as a test of each number.
  let [one, two, three, four] = [0, 0, 0, 0];
  const end = length - (length % 4);
  for (let index = 0; index < end; index += 4) {
    one += values[index]! - values[index]!;
    two += values[index + 1]! - values[index + 1]!;
    three += values[index + 2]! - values[index + 2]!;
    four += values[index + 3]! - values[index + 3]!;
  }
  for (let index = end; index < length; index++) one += values[index]! - values[index]!;
  if (one + two + three + four === 0) return -1;
  let first = 0;
  while (Number.isFinite(values[first])) first++;
  return first;
}

import { tableOf, type ContingencyTable, type Labels } from './contingency.ts';

/**
 * Adjusted Rand index of two labellings, -0.5..1: 1 for equal partitions, about 0 for independent ones
 * (L. Hubert, P. Arabie, *Comparing partitions*, J. Classification 2, 1985). As scikit-learn's
 * `adjusted_rand_score`, also in its limits: 1 when no pair of items is judged differently, so with fewer
 * than two items too. Symmetric.
 *
 * @param first label of each item; or a table of both labellings, counted before.
 * @throws DdclError `shape`, `data`, `limit` as {@link contingency}.
 */
export function adjustedRandIndex(table: ContingencyTable): number;
export function adjustedRandIndex(first: Labels, second: Labels): number;
export function adjustedRandIndex(first: Labels | ContingencyTable, second?: Labels): number {
  const { counts, rowSums, columnSums, total } = tableOf(first, second);
  // Ordered pairs of items: together in both, in the first, in the second, in all.
  const squares = sumOfSquares(counts);
  const both = squares - total;
  const onlyFirst = sumOfSquares(rowSums) - squares;
  const onlySecond = sumOfSquares(columnSums) - squares;
  const neither = total * total - both - onlyFirst - onlySecond - total;
  if (onlyFirst === 0 && onlySecond === 0) return 1;
  const numerator = 2 * (both * neither - onlyFirst * onlySecond);
  return numerator / ((both + onlyFirst) * (onlyFirst + neither) + (both + onlySecond) * (onlySecond + neither));
}

function sumOfSquares(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

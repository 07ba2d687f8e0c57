import { tableOf, type ContingencyTable, type Labels } from './contingency.ts';

/**
 * Normalized mutual information of two labellings, 0..1: `I(U, V) / ((H(U) + H(V)) / 2)`, the default of
 * scikit-learn's `normalized_mutual_info_score`, with its limits: 1 when both labellings have one label or
 * there are no items, 0 when only one of them has one label. Symmetric.
 *
 * @param first label of each item; or a table of both labellings, counted before.
 * @throws DdclError `shape`, `data`, `limit` as {@link contingency}.
 */
export function normalizedMutualInformation(table: ContingencyTable): number;
export function normalizedMutualInformation(first: Labels, second: Labels): number;
export function normalizedMutualInformation(first: Labels | ContingencyTable, second?: Labels): number {
  const table = tableOf(first, second);
  if (table.rows.length === table.columns.length && table.rows.length <= 1) return 1;
  const information = informationOf(table);
  if (information === 0) return 0;
  return information / ((entropyOf(table.rowSums, table.total) + entropyOf(table.columnSums, table.total)) / 2);
}

/**
 * Mutual information of two labellings in nats, >= 0; 0 without items. Errors as {@link contingency}.
 */
export function mutualInformation(table: ContingencyTable): number;
export function mutualInformation(first: Labels, second: Labels): number;
export function mutualInformation(first: Labels | ContingencyTable, second?: Labels): number {
  return informationOf(tableOf(first, second));
}

function informationOf({ rows, columns, counts, rowSums, columnSums, total }: ContingencyTable): number {
  // A labelling with one label has no entropy, so nothing to share; the sum would leave rounding.
  if (rows.length <= 1 || columns.length <= 1) return 0;
  let sum = 0;
  for (let row = 0; row < rows.length; row += 1) {
    for (let column = 0; column < columns.length; column += 1) {
      const count = counts[row * columns.length + column] as number;
      if (count === 0) continue;
      const expected = ((rowSums[row] as number) / total) * (columnSums[column] as number);
      const term = (count / total) * Math.log(count / expected);
      // As scikit-learn: independent labellings give exactly 0.
      if (Math.abs(term) >= Number.EPSILON) sum += term;
    }
  }
  return Math.max(0, sum);
}

function entropyOf(sums: Float64Array, total: number): number {
  return -sums.reduce((sum, count) => sum + (count / total) * Math.log(count / total), 0);
}

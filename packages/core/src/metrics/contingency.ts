import { DdclError } from '../errors/ddcl-error.ts';

/** A class or cluster name: an integer or a text. The number 1 and the text '1' are two labels. */
export type Label = number | string;

/** One label per item. */
export type Labels = ArrayLike<Label>;

/** How often each pair of labels occurs together. */
export interface ContingencyTable {
  /** Distinct labels of the first labelling: integers ascending, then texts by UTF-16 code units. */
  readonly rows: readonly Label[];
  /** Distinct labels of the second labelling, in the same order. */
  readonly columns: readonly Label[];
  /** rows x columns, row-major. */
  readonly counts: Float64Array;
  readonly rowSums: Float64Array;
  readonly columnSums: Float64Array;
  /** Number of items. */
  readonly total: number;
}

const maximumCells = 2 ** 26;

/** Counts pairs of labels one after another; memory is that of the pairs that differ, whatever the number of items. */
export interface ContingencyCounter {
  /** @throws DdclError `data` when a numeric label is not a safe integer */
  add(first: Label, second: Label): void;
  /** All pairs so far. @throws DdclError `limit` when the table would have more than 2^26 cells */
  table(): ContingencyTable;
}

/** A counter of pairs, for labels that come in a stream. */
export function contingencyCounter(): ContingencyCounter {
  const cells = new Map<Label, Map<Label, number>>();
  const columns = new Set<Label>();
  let total = 0;
  return {
    add(first, second) {
      const known = cells.get(first);
      const count = known?.get(second) ?? 0;
      if (count === 0) {
        requireLabel(first, total);
        requireLabel(second, total);
        columns.add(second);
      }
      const row = known ?? new Map<Label, number>();
      if (known === undefined) cells.set(first, row);
      row.set(second, count + 1);
      total += 1;
    },
    table: () => tableOfCells(cells, columns, total),
  };
}

function tableOfCells(
  cells: ReadonlyMap<Label, ReadonlyMap<Label, number>>,
  seen: ReadonlySet<Label>,
  total: number,
): ContingencyTable {
  const rows = [...cells.keys()].sort(compareLabels);
  const columns = [...seen].sort(compareLabels);
  if (rows.length * columns.length > maximumCells) {
    throw new DdclError(
      'limit',
      `A table of ${rows.length} x ${columns.length} distinct labels is larger than 2^26 cells. Are these really class labels?`,
    );
  }
  const columnOf = new Map(columns.map((label, index) => [label, index]));
  const counts = new Float64Array(rows.length * columns.length);
  const rowSums = new Float64Array(rows.length);
  const columnSums = new Float64Array(columns.length);
  rows.forEach((label, row) => {
    for (const [other, count] of cells.get(label)!) {
      const column = columnOf.get(other)!;
      counts[row * columns.length + column] = count;
      rowSums[row]! += count;
      columnSums[column]! += count;
    }
  });
  return { rows, columns, counts, rowSums, columnSums, total };
}

/**
 * Counts the pairs `(first[i], second[i])`.
 *
 * @throws DdclError `shape` when the lengths differ, `data` when a numeric label is not a safe integer,
 *   `limit` when the table would have more than 2^26 cells.
 */
export function contingency(first: Labels, second: Labels): ContingencyTable {
  if (first.length !== second.length) {
    throw new DdclError(
      'shape',
      `Two labellings of the same items were expected, but ${first.length} and ${second.length} labels came.`,
    );
  }
  const counter = contingencyCounter();
  for (let i = 0; i < first.length; i += 1) counter.add(first[i] as Label, second[i] as Label);
  return counter.table();
}

/** A table that was counted already, or that of two labellings. */
export function tableOf(first: Labels | ContingencyTable, second: Labels | undefined): ContingencyTable {
  return second === undefined ? (first as ContingencyTable) : contingency(first as Labels, second);
}

function requireLabel(label: Label, item: number): void {
  if (typeof label === 'string' || Number.isSafeInteger(label)) return;
  throw new DdclError('data', `A label must be a safe integer or a text, but label ${item} is ${String(label)}.`);
}

function compareLabels(a: Label, b: Label): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a < b ? -1 : 1;
}

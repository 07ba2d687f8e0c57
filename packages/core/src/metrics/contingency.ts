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
  const rowOf = numberLabels(first);
  const columnOf = numberLabels(second);
  const width = columnOf.size;
  if (rowOf.size * width > maximumCells) {
    throw new DdclError(
      'limit',
      `A table of ${rowOf.size} x ${width} distinct labels is larger than 2^26 cells. Are these really class labels?`,
    );
  }
  const counts = new Float64Array(rowOf.size * width);
  const rowSums = new Float64Array(rowOf.size);
  const columnSums = new Float64Array(width);
  for (let i = 0; i < first.length; i += 1) {
    const row = rowOf.get(first[i] as Label) as number;
    const column = columnOf.get(second[i] as Label) as number;
    const cell = row * width + column;
    counts[cell] = (counts[cell] as number) + 1;
    rowSums[row] = (rowSums[row] as number) + 1;
    columnSums[column] = (columnSums[column] as number) + 1;
  }
  return { rows: [...rowOf.keys()], columns: [...columnOf.keys()], counts, rowSums, columnSums, total: first.length };
}

/** Each distinct label with its place in the order, in that order. */
function numberLabels(labels: Labels): Map<Label, number> {
  const distinct = new Set<Label>();
  for (let i = 0; i < labels.length; i += 1) {
    const label = labels[i] as Label;
    if (typeof label !== 'string' && !Number.isSafeInteger(label)) {
      throw new DdclError('data', `A label must be a safe integer or a text, but label ${i} is ${String(label)}.`);
    }
    distinct.add(label);
  }
  return new Map([...distinct].sort(compareLabels).map((label, index) => [label, index]));
}

function compareLabels(a: Label, b: Label): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a < b ? -1 : 1;
}

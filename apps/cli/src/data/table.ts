import type { KnownFiles } from './known-files.ts';

/**
 * A file of rows with named cells, read from beginning to end: .csv, .tsv, .jsonl and .parquet look alike from here on.
 */
export interface Table {
  /** Path as the user gave it, for messages. */
  readonly file: string;
  /** Names in file order, at least one; undefined where a row is one bare vector without a name (column 0). */
  readonly columns: readonly string[] | undefined;
  /** Columns whose cells are vectors, by the file's schema or its first row. */
  readonly vectors: ReadonlySet<number>;
  /** Columns that number the rows, by what the file says of itself. */
  readonly indexes?: ReadonlySet<number>;
  /** The number that a cell stands for, or NaN when it is none. */
  readonly toNumber: (cell: unknown) => number;
  /**
   * All rows in batches, once. A batch may be used until the next one is asked for.
   *
   * @param columns those whose cells will be looked at
   */
  batches(columns: readonly number[]): AsyncIterable<TableBatch>;
  close(): Promise<void>;
}

export interface TableBatch {
  readonly rows: number;
  /** What the file holds: a text, a number, a vector, null, ...; undefined where a row lacks the column. */
  cell(row: number, column: number): unknown;
  /** Where a row stands in the file: `line 17` (counted from 1, the header too), `row 16 (counted from 0)`. */
  place(row: number): string;
}

export interface TableOptions {
  /** Columns that were asked for by name; undefined if all are wanted. */
  readonly wanted: readonly string[] | undefined;
  /** Name of the label column: a .csv whose columns are numbered, as column5, has no header. */
  readonly label?: string | undefined;
  /** Take an empty line of a .csv with one column for an empty cell, as texts may be empty. Default: an error, since numbers may not. */
  readonly emptyCells?: boolean;
  /** Of a .jsonl file: told of lines that are no rows, which are then left out. Default: they are errors. */
  readonly onBadLine?: ((line: number, error: unknown) => void) | undefined;
  /** Where the file is read more than once. */
  readonly known?: KnownFiles | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes of the file (packed ones of a .gz) that were read since the last call. */
  readonly onBytes: (bytes: number) => void;
}

/** Each digit can be matched in one way only: a cell may be as long as its file. */
const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The number that a text writes in decimal, spaces around it allowed; NaN for all else, also for hexadecimal and "Infinity". */
export function numberFromText(cell: unknown): number {
  if (typeof cell !== 'string') return NaN;
  // Most cells: a sign, a dot or a digit, and no letter after it but an exponent, so not 0x10. The rest is looked at closely.
  const value = Number(cell);
  const first = cell.charCodeAt(0);
  const second = cell.charCodeAt(1);
  if (value - value === 0 && first >= 43 && first <= 57 && !(second > 57 && second !== 69 && second !== 101))
    return value;
  const text = cell.trim();
  return decimal.test(text) ? Number(text) : NaN;
}

/** Numbers as they are (64-bit integers rounded); NaN for all else, also for texts. */
export function numberFromValue(cell: unknown): number {
  if (typeof cell === 'number') return cell;
  return typeof cell === 'bigint' ? Number(cell) : NaN;
}

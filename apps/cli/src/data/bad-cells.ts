import type { ColumnChoice } from './choose-columns.ts';
import { columnsOption, dataError, describeCell, listNames } from './data-error.ts';
import type { Table, TableBatch } from './table.ts';

/** Rows that are looked at after the first bad cell, to learn which columns are numeric. */
const rowsLookedAt = 10_000;

/**
 * Cells that are no numbers. Where the columns were asked for, the first one is the end. Where they were not, a column
 * of texts is never left out silently: reading goes on for a while, and the error then names the numeric
 * columns as an option to paste.
 */
export interface BadCells {
  /** Whether there was one; what is read from then on is of no use. */
  readonly any: boolean;
  /** Notes a cell, or throws. */
  note(batch: TableBatch, row: number, column: number, problem: string): void;
  /** Notes the end of a row, or throws when enough rows were looked at. */
  endRow(batch: TableBatch, row: number): void;
  /** Throws if there was a bad cell. */
  end(): void;
}

export function createBadCells(table: Table, choice: ColumnChoice): BadCells {
  const { file, columns = [''] } = table;
  const problems = new Map<number, string>();
  let rows = 0;

  const refuse = (within: string): never => {
    const [first, ...others] = problems;
    const more =
      others.length === 0
        ? ''
        : `, and ${others.length} more of its columns hold other than numbers (${listNames(
            others.map(([column]) => columns[column]!),
            4,
          )})`;
    const numeric = choice.columns.filter((column) => !problems.has(column)).map((column) => columns[column]!);
    const vector = choice.columns.find((column) => problems.has(column) && table.vectors.has(column));
    const text = first![1];
    // Where a text holds a vector, columns beside it are ids and the like.
    if (/but "?\[/.test(text))
      throw dataError(
        file,
        `${text}. Lists of numbers are not read from texts: write the vectors as .jsonl, .parquet or .npy.`,
      );
    const remedies = ['Repair the cell'];
    if (numeric.length > 0) remedies.push(`use the numeric columns${within}: ${columnsOption(numeric)}`);
    if (vector !== undefined) remedies.push(`use the vectors: ${columnsOption([columns[vector]!])}`);
    const remedy = remedies.join(', or ');
    throw dataError(file, `${first![1]}${more}. ${remedy}`);
  };

  return {
    get any() {
      return problems.size > 0;
    },
    note(batch, row, column, problem) {
      if (problems.has(column)) return;
      const name = columns[column]!;
      const text = `${batch.place(row)}${name === '' ? '' : `, column ${JSON.stringify(name)}`}: ${problem}`;
      if (choice.asked || table.columns === undefined)
        throw dataError(file, `${text}. Repair the cell or remove the row.`);
      problems.set(column, text);
    },
    endRow(batch, row) {
      if (problems.size === 0) return;
      rows += 1;
      if (rows > rowsLookedAt) refuse(` (up to ${batch.place(row)})`);
    },
    end() {
      if (problems.size > 0) refuse('');
    },
  };
}

/** What is wrong with a cell that is no number, for messages. */
export function notNumber(cell: unknown): string {
  const infinite =
    typeof cell === 'number' || (typeof cell === 'string' && /^\s*[+-]?(nan|inf|infinity)\s*$/i.test(cell));
  return `expected a ${infinite ? 'finite ' : ''}number, but ${describeCell(cell)} came`;
}

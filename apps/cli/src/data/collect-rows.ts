import { createBadCells, notNumber, type BadCells } from './bad-cells.ts';
import type { ColumnChoice } from './choose-columns.ts';
import { checkAborted, dataError, describeCell, isArrayLike } from './data-error.ts';
import { float32Limit, type TokenDType } from './float-array.ts';
import type { LabelList } from './label-list.ts';
import type { RowSpool } from './row-spool.ts';
import type { Table, TableBatch } from './table.ts';

export interface CollectOptions {
  /** What the numbers must fit. */
  readonly range: TokenDType;
  readonly labels: LabelList | undefined;
  readonly signal: AbortSignal | undefined;
  /** The spool for tokens of a dimension; asked for once, at the first row. */
  readonly spool: (dimension: number) => RowSpool;
}

/**
 * Reads all rows of a table into a spool, and the label column into a list. A column whose cell in the first row is a
 * vector gives as many numbers to the token as that vector has.
 *
 * @throws DdclError `data` for cells that are no finite numbers in range, vectors of unequal length, and rows
 *   without a label
 */
export async function collectRows(table: Table, choice: ColumnChoice, options: CollectOptions): Promise<void> {
  const bad = createBadCells(table, choice);
  const looked = choice.label === undefined ? choice.columns : [...choice.columns, choice.label];
  let reader: RowReader | undefined;
  let spool: RowSpool | undefined;
  for await (const batch of table.batches(looked)) {
    checkAborted(options.signal);
    reader ??= createRowReader(table, choice, batch, bad, options.range);
    for (let row = 0; row < batch.rows; row++) {
      const numbers = reader.read(batch, row);
      bad.endRow(batch, row);
      if (bad.any) continue;
      spool ??= options.spool(numbers.length);
      if (spool.append(numbers)) await spool.flush();
      if (choice.label !== undefined) options.labels?.add(table.file, batch.place, row, batch.cell(row, choice.label));
    }
  }
  bad.end();
  // Tables without rows were refused by those who opened them.
  if (spool === undefined) throw dataError(table.file, 'has no rows. Write it again.');
}

interface RowReader {
  /** The numbers of a row, in an array that is used again; meaningless after a bad cell. */
  read(batch: TableBatch, row: number): Float64Array;
}

function createRowReader(
  table: Table,
  choice: ColumnChoice,
  first: TableBatch,
  bad: BadCells,
  range: TokenDType,
): RowReader {
  const { toNumber } = table;
  const { columns } = choice;
  // Vectors are taken where the column was asked for or is one by its name; else they are cells that are no numbers.
  const takesVectors = choice.asked || columns.length === 1;
  const lengths = columns.map((column) => {
    const cell = first.cell(0, column);
    return takesVectors && isArrayLike(cell) ? cell.length : undefined;
  });
  const dimension = lengths.reduce<number>((sum, length) => sum + (length ?? 1), 0);
  if (dimension === 0)
    throw dataError(
      table.file,
      `${first.place(0)}: expected a vector of at least one number, but an empty array came. Write it again.`,
    );
  const numbers = new Float64Array(dimension);
  const limit = range === 'float32' ? float32Limit : Infinity;

  const check = (batch: TableBatch, row: number, column: number, cell: unknown, at: string): number => {
    const value = toNumber(cell);
    // False for NaN too.
    if (Math.abs(value) < limit) return value;
    bad.note(
      batch,
      row,
      column,
      at +
        (Number.isFinite(value)
          ? `${value} is too large for float32; scale it or use --dtype float64`
          : notNumber(cell)),
    );
    return NaN;
  };

  return {
    read(batch, row) {
      let used = 0;
      for (let index = 0; index < columns.length; index++) {
        const column = columns[index]!;
        const cell = batch.cell(row, column);
        const length = lengths[index];
        if (length === undefined) {
          numbers[used++] = check(batch, row, column, cell, '');
          continue;
        }
        if (!isArrayLike(cell) || cell.length !== length) {
          bad.note(
            batch,
            row,
            column,
            `expected an array of ${length}, as the first row has, but ${describeCell(cell)} came`,
          );
          used += length;
          continue;
        }
        for (let element = 0; element < length; element++) {
          numbers[used++] = check(batch, row, column, cell[element], `number ${element} (counted from 0): `);
        }
      }
      return numbers;
    },
  };
}

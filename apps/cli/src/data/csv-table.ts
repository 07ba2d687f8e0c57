import { csvHeader } from './csv-header.ts';
import { csvRecords, type CsvRecords } from './csv-records.ts';
import { dataError } from './data-error.ts';
import { numberFromText, type Table, type TableBatch, type TableOptions } from './table.ts';

/**
 * A .csv or .tsv file, also packed: cells separated by commas or tabs, in quotes where need be.
 *
 * `batches` throws DdclError `data` for a row with more or fewer cells than the first one.
 *
 * @throws DdclError as {@link csvRecords} and {@link csvHeader}; `data` for a file without rows
 */
export async function openCsv(
  file: string,
  delimiter: ',' | '\t',
  gzipped: boolean,
  { wanted, label, emptyCells, ...reading }: TableOptions,
): Promise<Table> {
  const stream = csvRecords(file, delimiter, { gzipped, emptyCells, ...reading });
  const close = async (): Promise<void> => {
    await stream.return(undefined);
  };
  try {
    const start = await stream.next();
    if (start.done === true) throw dataError(file, 'has no rows. Write it again.');
    const firstRecord = start.value.records[0]!;
    const { names, present } = csvHeader(file, firstRecord, wanted ?? (label === undefined ? undefined : [label]));

    async function* batches(): AsyncGenerator<TableBatch> {
      let rows = 0;
      let skip = present ? 1 : 0;
      for (let next = start; next.done !== true; next = await stream.next()) {
        checkWidths(file, next.value, names.length, present);
        const batch = toBatch(next.value, skip);
        skip = 0;
        rows += batch.rows;
        if (batch.rows > 0) yield batch;
      }
      if (rows === 0) throw dataError(file, 'has a header but no rows. Write it again.');
    }

    return { file, columns: names, vectors: new Set(), toNumber: numberFromText, batches, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function toBatch({ records, line }: CsvRecords, skip: number): TableBatch {
  return {
    rows: records.length - skip,
    cell: (row, column) => records[row + skip]![column],
    place: (row) => `line ${line(row + skip)}`,
  };
}

function checkWidths(file: string, { records, line }: CsvRecords, width: number, header: boolean): void {
  const ragged = records.findIndex((record) => record.length !== width);
  if (ragged < 0) return;
  const cells = records[ragged]!.length;
  const origin = header ? 'as the header has' : 'as the first line has';
  throw dataError(
    file,
    `line ${line(ragged)} has ${cells} ${cells === 1 ? 'cell' : 'cells'}; expected ${width}, ${origin}. Repair the line, or put cells that hold a separator in quotes.`,
  );
}

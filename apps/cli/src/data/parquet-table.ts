import { checkAborted } from './data-error.ts';
import { openFile, whileUnchanged } from './open-file.ts';
import { cellsOf } from './packed-column.ts';
import { startParquetDecoder } from './parquet-decoder.ts';
import { numberFromValue, type Table, type TableBatch, type TableOptions } from './table.ts';

/**
 * A .parquet file. Of each row group the wanted columns are decoded one after another, so memory follows the size of
 * the row groups, or of a window where the file has page indexes (see `rowWindows`). A thread decodes, within limits that follow from the
 * file's size.
 *
 * @throws DdclError as {@link openFile} and {@link startParquetDecoder}
 */
export async function openParquet(file: string, { known, signal, onBytes }: TableOptions): Promise<Table> {
  const source = await openFile(file, known);
  try {
    const decoder = await whileUnchanged(source, () => startParquetDecoder(source, signal));
    const { columns, lists, indexes, rows } = decoder.about;

    async function* batches(wanted: readonly number[]): AsyncGenerator<TableBatch> {
      const bytesPerRow = source.size / rows;
      for (const window of await whileUnchanged(source, () => decoder.windows(wanted))) {
        const { start, end } = window;
        const cells: (((row: number) => unknown) | undefined)[] = columns.map(() => undefined);
        for (const column of wanted) {
          checkAborted(signal);
          cells[column] = cellsOf(await whileUnchanged(source, () => decoder.column(column, window)));
        }
        onBytes((end - start) * bytesPerRow);
        yield {
          rows: end - start,
          cell: (row, column) => cells[column]?.(row),
          place: (row) => `row ${start + row} (counted from 0)`,
        };
      }
    }

    return {
      file,
      columns,
      vectors: new Set(lists),
      indexes: new Set(indexes),
      toNumber: numberFromValue,
      batches,
      async close() {
        await decoder.close();
        await source.handle.close();
      },
    };
  } catch (error) {
    await source.handle.close();
    throw error;
  }
}

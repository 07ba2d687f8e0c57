import {
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type AsyncBuffer,
  type FileMetaData,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { isDdclError } from '@ddcl/core';
import { checkAborted, dataError, formatError } from './data-error.ts';
import { openFile, readFully, type OpenFile } from './open-file.ts';
import { rowWindows } from './parquet-windows.ts';
import { numberFromValue, type Table, type TableBatch, type TableOptions } from './table.ts';
import { messageOf } from '../output/message-of.ts';

/**
 * A .parquet file. Of each row group the wanted columns are decoded one after another, so memory follows the size of
 * the row groups, or of a window where the file has page indexes (see {@link rowWindows}).
 *
 * @throws DdclError as {@link openFile}; `format` for bytes that are not Parquet or are cut short; `data` without rows
 */
export async function openParquet(file: string, { signal, onBytes }: TableOptions): Promise<Table> {
  const source = await openFile(file);
  const buffer = asyncBuffer(source);
  try {
    const { metadata, fields } = await decoding(file, async () => {
      const footer = await parquetMetadataAsync(buffer);
      return { metadata: footer, fields: parquetSchema(footer).children };
    });
    const columns = fields.map(({ element }) => element.name);
    if (columns.length === 0 || metadata.num_rows === 0n) throw dataError(file, 'has no rows. Write it again.');
    const twice = columns.find((name, index) => columns.indexOf(name) !== index);
    if (twice !== undefined) throw dataError(file, `has two columns ${JSON.stringify(twice)}. Rename one of them.`);
    const indexes = pandasIndexes(metadata, columns);
    const single = fields.map(({ element }) => element.type === 'FLOAT');
    const lists = fields.flatMap((field, index) => (isList(field) ? [index] : []));

    // A scan keeps the columns that it has decoded, so each column gets its own.
    const readColumn = (column: string, rowStart: number, rowEnd: number): Promise<ArrayLike<unknown>> =>
      decoding(file, async () => {
        const scan = await parquetScan({ file: buffer, metadata, columns: [column], compressors });
        return scan.readColumn({ column, rowStart, rowEnd });
      });

    async function* batches(wanted: readonly number[]): AsyncGenerator<TableBatch> {
      const names = wanted.map((column) => columns[column]!);
      const bytesPerRow = source.size / Number(metadata.num_rows);
      for await (const { start, end } of rowWindows(file, buffer, metadata, names)) {
        const cells: (ArrayLike<unknown> | undefined)[] = columns.map(() => undefined);
        for (const [index, column] of wanted.entries()) {
          checkAborted(signal);
          const values = await readColumn(names[index]!, start, end);
          if (values.length !== end - start) {
            throw formatError(
              file,
              `column ${JSON.stringify(names[index])} has ${values.length} values for the ${end - start} rows from row ${start}. The file is damaged; write it again.`,
            );
          }
          // hyparquet gives bytes as arrays of them, which would pass for vectors of small numbers.
          if (!lists.includes(column) && Array.prototype.some.call(values, (value) => value instanceof Uint8Array)) {
            throw dataError(
              file,
              `column ${JSON.stringify(names[index])} holds bytes, not numbers. Write its numbers as float32 or as lists of them.`,
            );
          }
          cells[column] = compact(values, single[column]!);
        }
        onBytes((end - start) * bytesPerRow);
        yield {
          rows: end - start,
          cell: (row, column) => cells[column]?.[row],
          place: (row) => `row ${start + row} (counted from 0)`,
        };
      }
    }

    return {
      file,
      columns,
      vectors: new Set(lists),
      indexes,
      toNumber: numberFromValue,
      batches,
      close: () => source.handle.close(),
    };
  } catch (error) {
    await source.handle.close();
    throw error;
  }
}

/** Columns that pandas says are the index of its rows (metadata `pandas`, `index_columns`). What is not as pandas writes it names none. */
function pandasIndexes({ key_value_metadata: entries = [] }: FileMetaData, columns: readonly string[]): Set<number> {
  const text = entries.find(({ key }) => key === 'pandas')?.value;
  let names: unknown;
  try {
    names = text === undefined ? undefined : (JSON.parse(text) as { index_columns?: unknown } | null)?.index_columns;
  } catch {
    names = undefined;
  }
  return new Set(
    Array.isArray(names) ? names.map((name) => columns.indexOf(name as string)).filter((at) => at >= 0) : [],
  );
}

/** Numbers of a column in a typed array: half the memory of a list or less. Other columns stay as they are. */
function compact(values: ArrayLike<unknown>, single: boolean): ArrayLike<unknown> {
  if (!Array.isArray(values) || !values.every((value) => typeof value === 'number')) return values;
  return single ? Float32Array.from(values) : Float64Array.from(values);
}

function isList({ element }: SchemaTree): boolean {
  return (
    element.converted_type === 'LIST' || element.logical_type?.type === 'LIST' || element.repetition_type === 'REPEATED'
  );
}

function asyncBuffer(source: OpenFile): AsyncBuffer {
  return {
    byteLength: source.size,
    async slice(start, end = source.size) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, source.size) - start));
      await readFully(source, bytes, start);
      return bytes.buffer;
    },
  };
}

/** Runs a step of the Parquet library; whatever it throws says that the bytes are not as they must be. */
async function decoding<T>(file: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (isDdclError(cause)) throw cause;
    const reason = messageOf(cause);
    throw formatError(
      file,
      `cannot be read as Parquet (${reason}). It may be cut short or encrypted; write it again.`,
      cause,
    );
  }
}

import { readSync } from 'node:fs';
import { isDdclError } from '@ddcl/core';
import {
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type AsyncBuffer,
  type FileMetaData,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { messageOf } from '../output/message-of.ts';
import { dataError, formatError } from './data-error.ts';
import { packColumn, type PackedColumn } from './packed-column.ts';
import { rowWindows, type DecodingRoom, type RowWindow } from './parquet-windows.ts';

/** hyparquet's own takes a byte order mark off every text. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const parsers = { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes) };

/** A file as the thread that decodes it gets it. */
export interface ParquetSource {
  /** For messages. */
  readonly file: string;
  /** Descriptor, opened for reading. */
  readonly descriptor: number;
  /** Bytes. */
  readonly size: number;
  readonly room: DecodingRoom;
}

/** What a file says of its columns; numbers in lists are places in `columns`. */
export interface ParquetColumns {
  readonly columns: readonly string[];
  /** Columns of lists. */
  readonly lists: readonly number[];
  /** Columns that pandas says are the index of its rows. */
  readonly indexes: readonly number[];
  /** At least 1. */
  readonly rows: number;
}

/** A .parquet file, decoded in the thread that calls. Hostile bytes can make any of this last for ever or take all memory. */
export interface ParquetFile {
  readonly about: ParquetColumns;
  /** As {@link rowWindows} says. */
  windows(columns: readonly number[]): Promise<readonly RowWindow[]>;
  /** The cells of a column in a window. */
  column(column: number, window: RowWindow): Promise<PackedColumn>;
}

/** @throws DdclError `format` for bytes that are not Parquet or are cut short; `data` without rows */
export async function openParquetFile({ file, descriptor, size, room }: ParquetSource): Promise<ParquetFile> {
  const buffer = asyncBuffer(file, descriptor, size);
  const { metadata, fields, single, lists } = await decoding(
    file,
    'its footer, which says what is where,',
    async () => {
      const footer = await parquetMetadataAsync(buffer);
      const { children } = parquetSchema(footer);
      return {
        metadata: footer,
        fields: children,
        single: children.map(isSingle),
        lists: children.flatMap((field, index) => (isList(field) ? [index] : [])),
      };
    },
  );
  const columns = fields.map(({ element }) => element.name);
  if (columns.length === 0 || metadata.num_rows === 0n) throw dataError(file, 'has no rows. Write it again.');
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) throw dataError(file, `has two columns ${JSON.stringify(twice)}. Rename one of them.`);

  return {
    about: { columns, lists, indexes: pandasIndexes(metadata, columns), rows: Number(metadata.num_rows) },
    windows: (wanted) =>
      decoding(file, 'its page index', async () => {
        const windows: RowWindow[] = [];
        const names = wanted.map((column) => columns[column]!);
        for await (const window of rowWindows(file, buffer, metadata, names, room)) windows.push(window);
        return windows;
      }),
    async column(index, { start, end }) {
      const column = columns[index]!;
      // A scan keeps the columns that it has decoded, so each column gets its own.
      const values: ArrayLike<unknown> = await decoding(file, `column ${JSON.stringify(column)}`, async () => {
        const scan = await parquetScan({ file: buffer, metadata, columns: [column], compressors, parsers });
        return scan.readColumn({ column, rowStart: start, rowEnd: end });
      });
      if (values.length !== end - start) {
        throw formatError(
          file,
          `column ${JSON.stringify(column)} has ${values.length} values for the ${end - start} rows from row ${start}. The file is damaged; write it again.`,
        );
      }
      // hyparquet gives bytes as arrays of them, which would pass for vectors of small numbers.
      if (!lists.includes(index) && Array.prototype.some.call(values, (value) => value instanceof Uint8Array)) {
        throw dataError(
          file,
          `column ${JSON.stringify(column)} holds bytes, not numbers. Write its numbers as float32 or as lists of them.`,
        );
      }
      return packColumn(values, single[index]!);
    },
  };
}

/** Columns that pandas says are the index of its rows (metadata `pandas`, `index_columns`). What is not as pandas writes it names none. */
function pandasIndexes({ key_value_metadata: entries = [] }: FileMetaData, columns: readonly string[]): number[] {
  const text = entries.find(({ key }) => key === 'pandas')?.value;
  let names: unknown;
  try {
    names = text === undefined ? undefined : (JSON.parse(text) as { index_columns?: unknown } | null)?.index_columns;
  } catch {
    names = undefined;
  }
  return Array.isArray(names) ? names.map((name) => columns.indexOf(name as string)).filter((at) => at >= 0) : [];
}

/** Whether a column's numbers, or those in its lists, are float32. */
function isSingle({ element, children }: SchemaTree): boolean {
  return children.length === 1 ? isSingle(children[0]!) : element.type === 'FLOAT';
}

function isList({ element }: SchemaTree): boolean {
  return (
    element.converted_type === 'LIST' || element.logical_type?.type === 'LIST' || element.repetition_type === 'REPEATED'
  );
}

function asyncBuffer(file: string, descriptor: number, size: number): AsyncBuffer {
  return {
    byteLength: size,
    slice(start, end = size) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      for (let filled = 0; filled < bytes.length;) {
        const count = readSync(descriptor, bytes, filled, bytes.length - filled, start + filled);
        if (count === 0) throw formatError(file, `ends at byte ${start + filled}; it is being written. Read it again.`);
        filled += count;
      }
      return bytes.buffer;
    },
  };
}

/**
 * Runs a step of the Parquet library; whatever it throws says that the bytes are not as they must be, in words of the library.
 *
 * @param part of the file that the step looks at
 */
async function decoding<T>(file: string, part: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (isDdclError(cause)) throw cause;
    const [, missing] = /^parquet (.*(?:unsupported|not supported).*)$/.exec(messageOf(cause)) ?? [];
    const problem =
      missing === undefined
        ? 'is damaged, cut short or encrypted. Write it again.'
        : `is of a kind that is not read here, or damaged (${missing}). Write it again with plain columns, packed by snappy or zstd.`;
    throw formatError(file, `cannot be read as Parquet: ${part} ${problem}`, cause);
  }
}

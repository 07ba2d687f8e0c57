import { extname } from 'node:path';
import { checkOutFile } from '../output/check-out-file.ts';
import { usageError } from '../output/usage-error.ts';
import { writeWhole } from '../output/write-file.ts';
import { writeNpy, type NpyDType } from '../data/npy-writer.ts';
import { parquetPieces } from './parquet-pieces.ts';

/** A column beside what was encoded: an id, the place of a token in its document, a distance. */
export interface SideColumn {
  readonly name: string;
  readonly type: 'text' | 'int32' | 'float64';
  at(row: number): string | number;
}

/** Rows of numbers with columns beside them, to be written once. */
export interface EncodedTable {
  /** Name of the column of the numbers: what was encoded. */
  readonly name: string;
  /** Rows, then what each row holds: [rows], [rows, m], [rows, K, m]. */
  readonly shape: readonly number[];
  readonly dtype: NpyDType;
  readonly columns: readonly SideColumn[];
  /** The numbers, row-major, in pieces of whole rows; each may be reused after it was asked to go on. */
  readonly rows: AsyncIterable<ArrayLike<number>>;
}

const endings = ['.npy', '.parquet', '.jsonl'] as const;
type Ending = (typeof endings)[number];

const endingOf = (path: string): Ending | undefined => endings.find((ending) => ending === extname(path).toLowerCase());

/**
 * @returns whether the file has room for more columns than one array
 * @throws DdclError `argument` for an ending that is none of them, and as {@link checkOutFile}
 */
export async function checkEncodedFile(out: string, inputs: readonly (string | undefined)[]): Promise<boolean> {
  const ending = endingOf(out);
  if (ending === undefined)
    throw usageError(
      `${out} does not end in ${endings.join(', ')}, which are what this command writes. Give another --out FILE.npy.`,
    );
  await checkOutFile('--out', out, ending, inputs);
  return ending !== '.npy';
}

/** Writes a table in the kind that its name ends in. The file appears under its name only when it is complete. */
export function writeEncoded(path: string, table: EncodedTable): Promise<void> {
  const ending = endingOf(path);
  if (ending === '.npy') return writeNpy(path, table.shape, table.dtype, table.rows);
  return writeWhole(path, ending === '.jsonl' ? jsonLines(table) : parquetPieces(table));
}

/** Characters gathered before they are written. */
const lineCharacters = 1 << 18;

async function* jsonLines({ name, shape, columns, rows }: EncodedTable): AsyncGenerator<Uint8Array> {
  const tail = shape.slice(1);
  const width = tail.reduce((product, size) => product * size, 1);
  const encoder = new TextEncoder();
  let text = '';
  let row = 0;
  for await (const piece of rows) {
    for (let start = 0; start < piece.length; start += width, row++) {
      const before = columns.map((column) => [column.name, column.at(row)] as const);
      text += `${JSON.stringify({ ...Object.fromEntries(before), [name]: nested(piece, start, tail) })}\n`;
      if (text.length < lineCharacters) continue;
      yield encoder.encode(text);
      text = '';
    }
  }
  yield encoder.encode(text);
}

/** `[[1, 2], [3, 4]]` for numbers of shape [2, 2]; a number for no axis. */
function nested(numbers: ArrayLike<number>, start: number, [size, ...inner]: readonly number[]): unknown {
  if (size === undefined) return numbers[start];
  const step = inner.reduce((product, length) => product * length, 1);
  return Array.from({ length: size }, (_, index) => nested(numbers, start + index * step, inner));
}

import type { Hash } from 'node:crypto';
import type { TokenReader } from '@ddcl/core/fit';
import { checkAborted, dataError } from './data-error.ts';
import { bytesOf, createFloats, type FloatArray, type TokenDType } from './float-array.ts';
import {
  bytesPerNumber,
  decodeNumbers,
  firstNonFiniteOf,
  overflowsFloat32,
  type NumberFormat,
} from './number-format.ts';
import { readFully, type OpenFile } from './open-file.ts';

/** A row-major matrix of numbers that lies in one piece in an open file. */
export interface MatrixFile {
  readonly source: OpenFile;
  readonly format: NumberFormat;
  /** Byte of the first number. */
  readonly position: number;
  readonly rows: number;
  readonly dimension: number;
}

/** Bytes read at once when the whole matrix is passed over. */
const passBytes = 1 << 20;

/**
 * Rows of a matrix by positioned reads; of the file only the rows asked for are ever in memory. A block is
 * valid until the next read.
 *
 * `read` throws DdclError `data` for NaN, infinities and numbers beyond float32, naming row and column, and `format`
 * when the file was cut short in the meantime.
 */
export function matrixReader(matrix: MatrixFile, dtype: TokenDType): TokenReader {
  const { dimension, rows } = matrix;
  const load = matrixLoader(matrix, dtype);
  return {
    dimension,
    tokens: rows,
    async read(start, count) {
      const { data } = await load(start, count);
      return { data, rows: count };
    },
    // What is not finite is found by whoever computes with it: looking twice would cost as much as reading.
    ...(matrix.format === 'f2'
      ? {
          readHalf: (start: number, target: Uint16Array) =>
            readFully(matrix.source, bytesOf(target), matrix.position + start * dimension * 2),
        }
      : {}),
  };
}

/**
 * Passes over a whole matrix once: checks every number, as `read` does, and adds the bytes to a hash.
 *
 * @param range what the numbers must fit, whatever they are read as
 * @param onBytes called with the bytes of each piece
 */
export async function hashMatrix(
  matrix: MatrixFile,
  { dtype, range = dtype }: { readonly dtype: TokenDType; readonly range?: TokenDType | undefined },
  hash: Hash,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const load = matrixLoader(matrix, dtype);
  const step = Math.max(1, Math.floor(passBytes / (matrix.dimension * bytesPerNumber(matrix.format))));
  for (let start = 0; start < matrix.rows; start += step) {
    checkAborted(signal);
    const { raw, data } = await load(start, Math.min(step, matrix.rows - start));
    // Numbers of other formats fit, or are found by the loader.
    const beyond = range === 'float32' && matrix.format === 'f8' ? data.findIndex(overflowsFloat32) : -1;
    if (beyond >= 0) throw notFinite(matrix, raw, start, beyond, data[beyond]!);
    hash.update(raw);
    onBytes(raw.length);
  }
}

/** Rows as they are in the file and as numbers; both arrays are used again by the next call. */
type Load = (start: number, count: number) => Promise<{ raw: Uint8Array; data: FloatArray }>;

function matrixLoader(matrix: MatrixFile, dtype: TokenDType): Load {
  const { source, format, position, dimension } = matrix;
  const size = bytesPerNumber(format);
  // Numbers that are already as they shall be are read where they are used.
  const direct = format === (dtype === 'float32' ? 'f4' : 'f8');
  let numbers = createFloats(dtype, 0);
  let bytes = new Uint8Array(0);

  return async (start, count) => {
    const length = count * dimension;
    if (numbers.length < length) numbers = createFloats(dtype, length);
    if (!direct && bytes.length < length * size) bytes = new Uint8Array(length * size);
    const data = numbers.subarray(0, length);
    const raw = direct ? bytesOf(data) : bytes.subarray(0, length * size);
    await readFully(source, raw, position + start * dimension * size);
    if (!direct) decodeNumbers(format, raw, data, length);
    const bad = firstNonFiniteOf(format, raw, data, length);
    if (bad >= 0) throw notFinite(matrix, raw, start, bad, data[bad]!);
    return { raw, data };
  };
}

function notFinite(matrix: MatrixFile, raw: Uint8Array, start: number, index: number, value: number): Error {
  const { source, format, dimension } = matrix;
  const place = `row ${start + Math.floor(index / dimension)}, column ${index % dimension} (counted from 0)`;
  const stored = new Float64Array(1);
  const size = bytesPerNumber(format);
  decodeNumbers(format, raw.slice(index * size, (index + 1) * size), stored, 1);
  const problem = overflowsFloat32(stored[0]!)
    ? `${place} is ${stored[0]}, too large for float32. Use --dtype float64 or scale the data.`
    : `${place} is ${value}; expected a finite number. Remove or repair the row.`;
  return dataError(source.file, problem);
}

import { DdclError } from '@ddcl/core';
import { writeWhole } from '../output/write-file.ts';
import { bytesOf } from './float-array.ts';

export type NpyDType = 'float32' | 'float64' | 'int32';

const descriptions = { float32: '<f4', float64: '<f8', int32: '<i4' } as const;
const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;

/** Numbers gathered before they are written. */
const bufferLength = 1 << 17;

/**
 * Writes an array as .npy, version 1. The file appears under its name only when it is complete; when anything fails, nothing is left.
 *
 * @param shape lengths of the axes
 * @param rows the numbers in row-major order, in pieces of any length; each piece may be reused after it was asked to go on
 * @throws DdclError `argument` when the file cannot be written, `shape` when the numbers do not fill the shape
 */
export function writeNpy(
  path: string,
  shape: readonly number[],
  dtype: NpyDType,
  rows: AsyncIterable<ArrayLike<number>> | Iterable<ArrayLike<number>>,
): Promise<void> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield npyHeader(shape, dtype);
    const buffer = new arrays[dtype](bufferLength);
    let [used, written] = [0, 0];
    for await (const piece of rows) {
      for (let taken = 0; taken < piece.length;) {
        const count = Math.min(piece.length - taken, buffer.length - used);
        for (let index = 0; index < count; index++) buffer[used + index] = piece[taken + index]!;
        taken += count;
        used += count;
        if (used < buffer.length) continue;
        yield bytesOf(buffer);
        used = 0;
      }
      written += piece.length;
    }
    yield bytesOf(buffer.subarray(0, used));
    const expected = shape.reduce((product, length) => product * length, 1);
    if (written === expected) return;
    throw new DdclError(
      'shape',
      `${path}: the shape (${shape.join(', ')}) takes ${expected} numbers, but ${written} came.`,
    );
  }
  return writeWhole(path, pieces());
}

/** Header as NumPy writes it: the data start at a multiple of 64 bytes. */
export function npyHeader(shape: readonly number[], dtype: NpyDType): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descriptions[dtype]}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Buffer.alloc(length, ' ');
  header.write('\x93NUMPY\x01\x00', 0, 'latin1');
  header.writeUInt16LE(length - 10, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', length - 1, 'latin1');
  return header;
}

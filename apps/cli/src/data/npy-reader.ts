import { firstNonFinite } from '@ddcl/core/fit';
import { dataError } from './data-error.ts';
import { createFloats } from './float-array.ts';
import { readNpyHeader } from './npy-header.ts';
import { bytesPerNumber, decodeNumbers, numbersView, type NumberArray, type NumberFormat } from './number-format.ts';
import { bytesFrom, openFile, readFully } from './open-file.ts';

export interface NpyArray {
  readonly shape: readonly number[];
  /** Whether the file's dtype is an integer or boolean one. */
  readonly integers: boolean;
  /** Row-major. float16 comes as float32, 64-bit integers as float64. */
  readonly data: NumberArray;
}

/**
 * Reads a whole .npy array, for small things: prototypes, weights, segments, labels.
 *
 * @throws DdclError `argument` or `format` as opening and the header do; `data` for NaN, infinities and 64-bit integers
 *   beyond 2^53
 */
export async function readNpy(file: string): Promise<NpyArray> {
  const source = await openFile(file);
  try {
    const { format, shape, position } = await readNpyHeader(bytesFrom(source));
    const count = (source.size - position) / bytesPerNumber(format);
    const bytes = new Uint8Array(source.size - position);
    await readFully(source, bytes, position);
    const data = toNumbers(format, bytes, count);
    const bad = firstNonFinite(data, count);
    if (bad >= 0)
      throw dataError(
        file,
        `number ${bad} (counted from 0) is ${data[bad]}; numbers must be finite. Remove or repair it.`,
      );
    const integers = !format.includes('f');
    if (format === 'i8' || format === 'u8') checkExact(file, data);
    return { shape, integers, data };
  } finally {
    await source.handle.close();
  }
}

function toNumbers(format: NumberFormat, bytes: Uint8Array, count: number): NumberArray {
  if (format === 'f2' || format === 'bf2' || format === 'i8' || format === 'u8') {
    const data = createFloats(format.endsWith('f2') ? 'float32' : 'float64', count);
    decodeNumbers(format, bytes, data, count);
    return data;
  }
  return numbersView(format, bytes.buffer, bytes.byteOffset, count);
}

function checkExact(file: string, data: NumberArray): void {
  const bad = data.findIndex((value) => !Number.isSafeInteger(value));
  if (bad >= 0)
    throw dataError(
      file,
      `number ${bad} (counted from 0) is ${data[bad]}; integers must be within +-2^53. Number them from 0.`,
    );
}

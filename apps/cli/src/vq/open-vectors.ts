import type { TokenReader } from '@ddcl/core/fit';
import type { Preprocessing } from '../preprocess/preprocessing.ts';

/** Rows that are looked at at once. */
const passRows = 8192;

/** Vectors in memory, in float32. */
export interface Vectors {
  readonly rows: Float32Array;
  readonly count: number;
  readonly dimension: number;
}

/** The rows of a reader with these numbers, which must rise. */
export async function readRows(reader: TokenReader, wanted: ArrayLike<number>): Promise<Vectors> {
  const { dimension, tokens } = reader;
  const count = wanted.length;
  const rows = new Float32Array(count * dimension);
  let at = 0;
  for (let start = 0; start < tokens && at < count; start += passRows) {
    const size = Math.min(passRows, tokens - start);
    if (wanted[at]! >= start + size) continue;
    const { data } = await reader.read(start, size);
    for (; at < count && wanted[at]! < start + size; at++) {
      const first = (wanted[at]! - start) * dimension;
      rows.set(data.subarray(first, first + dimension), at * dimension);
    }
  }
  return { rows, count, dimension };
}

/** Takes back what was done to columns before the fit, in place; the length that --normalize took off is not known any more. */
export function undoStandardize(rows: Float32Array, { standardize }: Preprocessing): Float32Array {
  if (standardize === null) return rows;
  const { mean, deviation } = standardize;
  for (let index = 0; index < rows.length; index++) {
    const column = index % mean.length;
    rows[index] = rows[index]! * deviation[column]! + mean[column]!;
  }
  return rows;
}

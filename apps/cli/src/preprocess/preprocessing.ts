import { DdclError } from '@ddcl/core';
import { preprocessTokens, type Preprocessing, type TokenReader } from '@ddcl/core/fit';
import { checkAborted } from '../data/data-error.ts';

export type { Preprocessing };

/** Shift and divisor of every column, [m] each. */
export interface Standardization {
  readonly mean: readonly number[];
  /** Standard deviation (population); 1 for a constant column. */
  readonly deviation: readonly number[];
}

/** Rows that are read at once where a whole pass is made. */
const passRows = 8192;

/**
 * Mean and standard deviation of every column, in one pass (Welford's update, stable for far-away data).
 *
 * @throws DdclError `aborted` when the signal fires; `data` for numbers whose squares leave the range of doubles
 */
export async function columnStatistics(
  reader: TokenReader,
  signal?: AbortSignal,
  onProgress?: (rows: number) => void,
): Promise<Standardization> {
  const { dimension, tokens } = reader;
  const mean = new Float64Array(dimension);
  const squares = new Float64Array(dimension);
  let seen = 0;
  for (let start = 0; start < tokens; start += passRows) {
    checkAborted(signal);
    const { data, rows } = await reader.read(start, Math.min(passRows, tokens - start));
    for (let row = 0; row < rows; row++) {
      seen++;
      for (let axis = 0; axis < dimension; axis++) {
        const difference = data[row * dimension + axis]! - mean[axis]!;
        mean[axis]! += difference / seen;
        squares[axis]! += difference * (data[row * dimension + axis]! - mean[axis]!);
      }
    }
    onProgress?.(seen);
  }
  const deviation = Array.from(squares, (square) => (square === 0 ? 1 : Math.sqrt(square / seen)));
  const bad = deviation.findIndex((value, axis) => !Number.isFinite(value) || !Number.isFinite(mean[axis]));
  if (bad >= 0) {
    throw new DdclError(
      'data',
      `The numbers of column ${bad} (counted from 0) are too large to standardize. Scale them first.`,
    );
  }
  return { mean: [...mean], deviation };
}

/**
 * A reader that gives preprocessed tokens, in double precision so that nothing is lost before the frame's offset is taken off.
 *
 * @throws DdclError `shape` if the standardization is for another number of columns
 */
export function preprocess(reader: TokenReader, preprocessing: Preprocessing): TokenReader {
  const { dimension, tokens } = reader;
  if (preprocessing.standardize === null && !preprocessing.normalize) return reader;
  // Refused before anything is read.
  preprocessTokens(new Float64Array(0), dimension, preprocessing);
  return {
    dimension,
    tokens,
    async read(start, count) {
      const block = await reader.read(start, count);
      return { ...block, data: preprocessTokens(block.data, dimension, preprocessing) };
    },
  };
}

import { DdclError } from '@ddcl/core';
import type { TokenReader } from '@ddcl/core/fit';
import { checkAborted } from '../data/data-error.ts';

/** Shift and divisor of every column, [m] each. */
export interface Standardization {
  readonly mean: readonly number[];
  /** Standard deviation (population); 1 for a constant column. */
  readonly deviation: readonly number[];
}

/** What is done to tokens before the model sees them, in this order. A part of the model folder. */
export interface Preprocessing {
  /** `(z - mean) / deviation`, column by column. */
  readonly standardize: Standardization | null;
  /** Divide each token by its length, so that it lies on the unit sphere; a token of length 0 stays. */
  readonly normalize: boolean;
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
export function preprocess(reader: TokenReader, { standardize, normalize }: Preprocessing): TokenReader {
  if (standardize === null && !normalize) return reader;
  const { dimension } = reader;
  if (standardize !== null && standardize.mean.length !== dimension) {
    throw new DdclError(
      'shape',
      `The standardization is for ${standardize.mean.length} columns, but the data have ${dimension}.`,
    );
  }
  return {
    dimension,
    tokens: reader.tokens,
    async read(start, count) {
      const block = await reader.read(start, count);
      const data = new Float64Array(block.data);
      if (standardize !== null) standardizeRows(data, standardize);
      if (normalize) normalizeRows(data, dimension);
      return { ...block, data };
    },
  };
}

function standardizeRows(data: Float64Array, { mean, deviation }: Standardization): void {
  const dimension = mean.length;
  for (let first = 0; first < data.length; first += dimension) {
    for (let axis = 0; axis < dimension; axis++)
      data[first + axis] = (data[first + axis]! - mean[axis]!) / deviation[axis]!;
  }
}

function normalizeRows(data: Float64Array, dimension: number): void {
  for (let first = 0; first < data.length; first += dimension) {
    // Divided by the largest number first: the squares of very large or small ones would leave the range of doubles.
    let largest = 0;
    for (let axis = 0; axis < dimension; axis++) largest = Math.max(largest, Math.abs(data[first + axis]!));
    if (largest === 0) continue;
    let squares = 0;
    for (let axis = 0; axis < dimension; axis++) squares += (data[first + axis]! / largest) ** 2;
    const length = Math.sqrt(squares);
    for (let axis = 0; axis < dimension; axis++) data[first + axis] = data[first + axis]! / largest / length;
  }
}

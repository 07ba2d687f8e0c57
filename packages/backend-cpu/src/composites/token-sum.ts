import type { Pieces } from '@ddcl/core/backend';
import type { Block } from '../arithmetic/arithmetic.ts';
import { packPanels } from '../arithmetic/panels.ts';
import { copyWork, inPieces, pieceWork, type Ranges } from '../arithmetic/pieces.ts';
import { multiplied } from '../arithmetic/product-ranges.ts';
import type { DdclData } from './token-chunks.ts';

/**
 * Below this share of coefficients that are not 0, tokens are added one by one. At the end of a fit most are 0. The choice does not
 * change a bit of the sums.
 */
const sparse = 0.2;

/** Shorter tokens gain nothing: each would be a call. */
const fewestNumbers = 32;

export interface TokenSum {
  /** Adds `sum_n D_nk x_n` for D [rows, width] and X [rows, stride]. */
  add(coefficients: Block, x: Block, rows: number): Ranges | undefined;
  /** The sums so far at [k, axis]. */
  at(k: number, axis: number): number;
}

/** Adds up `sum_n D_nk x_n`, [K, m], chunk by chunk. */
export function createTokenSum({ scratch, pace, count, width, stride, chunkRows }: DdclData): TokenSum {
  const sums = scratch.take(width * stride);
  const panels = scratch.take(chunkRows * stride);

  const addEach = ({ data }: Block, x: Block, from: number, to: number): void => {
    for (let row = from; row < to; row++) {
      for (let k = 0; k < count; k++) {
        const coefficient = data[row * width + k]!;
        if (coefficient !== 0) scratch.addScaled(coefficient, x, row * stride, sums, k * stride, stride);
      }
    }
  };
  return {
    add(coefficients, x, rows) {
      pace.add(rows * (count + stride));
      const found = stride < fewestNumbers ? rows * count : nonZeros(coefficients.data, rows * width);
      if (found < sparse * rows * count) {
        const work = 2 * found * stride;
        const visit = (from: number, to: number): void => addEach(coefficients, x, from, to);
        if (work > pieceWork) return { length: rows, work: work / rows, visit };
        visit(0, rows);
        pace.add(work);
        return undefined;
      }
      packPanels(x.data, { start: 0, columns: stride, column: 1, row: stride }, rows, panels.data);
      return multiplied(
        scratch,
        {
          a: coefficients,
          rowA: 1,
          stepA: width,
          b: panels,
          c: sums,
          rows: width,
          columns: stride,
          inner: rows,
          accumulate: true,
        },
        pace,
      );
    },
    at: (k, axis) => sums.data[k * stride + axis]!,
  };
}

function nonZeros(data: Float64Array, length: number): number {
  let found = 0;
  for (let index = 0; index < length; index++) if (data[index]! !== 0) found++;
  return found;
}

/** A matrix [K, m], number by number. */
export function prototypeMatrix(
  { count, dimension }: DdclData,
  value: (k: number, axis: number, index: number) => number,
): Float64Array | Pieces<Float64Array> {
  const matrix = new Float64Array(count * dimension);
  const visit = (from: number, to: number): void => {
    for (let k = from; k < to; k++) {
      for (let axis = 0; axis < dimension; axis++) {
        const index = k * dimension + axis;
        matrix[index] = value(k, axis, index);
      }
    }
  };
  return inPieces({ length: count, work: 2 * copyWork * dimension, visit }, matrix);
}

import { DdclError } from '../errors/ddcl-error.ts';

/** Numbers of a block of rows, row-major, as they come from a host array. */
export type RowData = Float32Array | Float64Array;

/**
 * How many rows of `dimension` numbers a block of `length` numbers holds, after checking it and its weights.
 *
 * @param weights one per row, finite and >= 0.
 * @throws DdclError `shape` when the lengths do not fit, `data` when a weight is negative or not finite.
 */
export function checkRows(length: number, dimension: number, weights?: RowData): number {
  const count = length / dimension;
  if (!Number.isInteger(count)) {
    throw new DdclError(
      'shape',
      `A block of rows of ${dimension} numbers must hold a multiple of ${dimension} numbers, but ${length} came.`,
    );
  }
  if (weights === undefined) return count;
  if (weights.length !== count) {
    throw new DdclError('shape', `${count} rows need ${count} weights, one each, but ${weights.length} came.`);
  }
  for (let row = 0; row < count; row += 1) {
    const weight = weights[row] as number;
    if (!(weight >= 0 && weight < Infinity)) {
      throw new DdclError('data', `Weights must be finite and >= 0, but row ${row} of the block has weight ${weight}.`);
    }
  }
  return count;
}

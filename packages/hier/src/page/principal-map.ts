import { DdclError } from '@ddcl/core';
import { createMomentAccumulator, requireFloats, topEigenpairs } from '@ddcl/core/fit';
import { requireWhole } from '../checks/require.ts';

/** Where documents lie on a map. */
export interface DocumentMap {
  /** [documents, 2] */
  readonly positions: Float32Array;
  /** How it was made, for the page's `map`. */
  readonly made: string;
}

/**
 * Vectors on the plane of their two principal axes (PCA, of the covariance in float64).
 *
 * @param vectors [documents, width]
 * @throws DdclError `shape` for numbers that are no rows of `width`; `data` for no rows, or numbers that are not finite; `limit` for a width above 2,048
 */
export function principalMap(vectors: Float32Array, width: number): DocumentMap {
  requireRows(vectors, width);
  if (width > 2048)
    throw new DdclError(
      'limit',
      `A map by principal axes takes vectors of at most 2048 numbers, but these have ${width}. Project them first.`,
    );
  const moments = createMomentAccumulator(width);
  moments.addRows(vectors);
  const { mean, covariance, trace } = moments.result();
  const axes = Math.min(2, width);
  const { values, vectors: directions } = topEigenpairs(covariance!, width, { count: axes, tolerance: 1e-9 });
  const positions = new Float32Array((2 * vectors.length) / width);
  for (let row = 0; row < vectors.length / width; row++) {
    for (let axis = 0; axis < axes; axis++) {
      let sum = 0;
      for (let column = 0; column < width; column++)
        sum += (vectors[row * width + column]! - mean[column]!) * directions[axis * width + column]!;
      positions[2 * row + axis] = sum;
    }
  }
  const explained = trace > 0 ? values.reduce((sum, value) => sum + value, 0) / trace : 0;
  return {
    positions,
    made: `its place on the two principal axes, which hold ${(100 * explained).toFixed(0)} % of the variance`,
  };
}

/** @throws DdclError `shape` or `data` unless there are rows of finite numbers */
export function requireRows(vectors: Float32Array, width: number): void {
  requireWhole('width', width, 1);
  requireFloats(vectors, 'Vectors');
  if (vectors.length % width !== 0)
    throw new DdclError('shape', `Vectors are rows of ${width} numbers, but ${vectors.length} numbers came.`);
  if (vectors.length === 0) throw new DdclError('data', 'A map needs documents, but none came. Give at least one.');
  const bad = vectors.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new DdclError(
      'data',
      `Vectors must be finite, but row ${Math.floor(bad / width)} (counted from 0) has ${vectors[bad]}.`,
    );
}

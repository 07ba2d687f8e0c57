import { topEigenpairs } from '@ddcl/core/fit';
import type { Projection } from './fit-report.ts';

/** Tokens to project, all rows of length m. */
export interface ProjectionInput {
  readonly tokens: Float64Array;
  readonly dimension: number;
  readonly prototypes: Float64Array;
  readonly assignments: Int32Array;
  readonly labels: readonly string[] | undefined;
}

/** The plane of two principal axes, and how vectors lie on it. */
export interface Plane {
  /** Where rows [n, m] lie: [n, 2]. */
  project(rows: Float64Array): Float64Array;
  /** The share of the variance that lies along each axis, 0..1. */
  readonly explained: readonly [number, number];
}

/**
 * The plane of the tokens' two principal axes (PCA), of tokens [n, m]. Where there are fewer tokens than dimensions, the axes come from
 * the tokens' Gram matrix, which has the same eigenvalues.
 */
export function principalPlane(tokens: Float64Array, dimension: number): Plane {
  const count = tokens.length / dimension;
  const mean = new Float64Array(dimension);
  for (let index = 0; index < tokens.length; index++) mean[index % dimension]! += tokens[index]! / count;
  const centred = tokens.map((value, index) => value - mean[index % dimension]!);
  const total = centred.reduce((sum, value) => sum + value * value, 0) / count;
  const { axes, variances } = principalAxes(centred, count, dimension);
  const share = (variance: number): number => (total > 0 ? variance / total : 0);
  return {
    project(rows) {
      const plane = new Float64Array((rows.length / dimension) * 2);
      for (let index = 0; index < rows.length; index++) {
        const [row, axis] = [Math.floor(index / dimension), index % dimension];
        const value = rows[index]! - mean[axis]!;
        plane[2 * row]! += value * axes[axis]!;
        plane[2 * row + 1]! += value * axes[dimension + axis]!;
      }
      return plane;
    },
    explained: [share(variances[0]), share(variances[1])],
  };
}

/** Tokens and prototypes in the {@link principalPlane} of the tokens. */
export function projectTokens({ tokens, dimension, prototypes, assignments, labels }: ProjectionInput): Projection {
  const { project, explained } = principalPlane(tokens, dimension);
  return {
    points: project(tokens),
    assignments,
    ...(labels === undefined ? {} : { labels }),
    prototypes: project(prototypes),
    explained,
  };
}

/** Two orthonormal rows of length m (the second zeros for m = 1), and the variance along each. */
function principalAxes(
  centred: Float64Array,
  count: number,
  dimension: number,
): { axes: Float64Array; variances: [number, number] } {
  const axes = new Float64Array(2 * dimension);
  const wanted = Math.min(2, dimension, count);
  const useGram = count < dimension;
  const size = useGram ? count : dimension;
  const matrix = new Float64Array(size * size);
  const at = (row: number, axis: number): number => centred[row * dimension + axis]!;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      if (useGram) for (let axis = 0; axis < dimension; axis++) sum += at(i, axis) * at(j, axis);
      else for (let row = 0; row < count; row++) sum += at(row, i) * at(row, j);
      matrix[i * size + j] = matrix[j * size + i] = sum / count;
    }
  }
  const { values, vectors } = topEigenpairs(matrix, size, { count: wanted });
  for (let pair = 0; pair < wanted; pair++) {
    const vector = vectors.subarray(pair * size, (pair + 1) * size);
    if (!useGram) axes.set(vector, pair * dimension);
    else setFromGram(axes, pair, vector, centred, dimension);
  }
  return { axes, variances: [values[0] ?? 0, values[1] ?? 0] };
}

/** An eigenvector of the Gram matrix turned into one of the covariance: `X^T u`, scaled to length 1. */
function setFromGram(
  axes: Float64Array,
  pair: number,
  vector: Float64Array,
  centred: Float64Array,
  dimension: number,
): void {
  const axis = axes.subarray(pair * dimension, (pair + 1) * dimension);
  for (let index = 0; index < centred.length; index++)
    axis[index % dimension]! += vector[Math.floor(index / dimension)]! * centred[index]!;
  const length = Math.sqrt(axis.reduce((sum, value) => sum + value * value, 0));
  if (length > 0) for (let index = 0; index < dimension; index++) axis[index]! /= length;
}

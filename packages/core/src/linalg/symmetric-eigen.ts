import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { withoutPause, type Pieces } from '../abort/pieces.ts';
import { inTurns } from '../abort/turns.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { createRandom, type Random } from '../random/random.ts';
import { lanczosProcess } from './lanczos-process.ts';
import { checkLanczosOptions } from './lanczos.ts';
import { dot } from './vector.ts';

/** Options of {@link topEigenpairs}. */
export interface TopEigenpairsOptions {
  /** How many, 1..size; default 1. */
  readonly count?: number;
  /** Largest residual as a share of the spectrum's magnitude; default 1e-12. */
  readonly tolerance?: number;
  /** Start vectors; by default a fixed stream, so that the result depends on the matrix alone. */
  readonly random?: Random;
}

/** The largest eigenvalues with their eigenvectors. */
export interface TopEigenpairs {
  /** count eigenvalues, descending. */
  readonly values: Float64Array;
  /** count x size, orthonormal rows; the largest component of each is positive. */
  readonly vectors: Float64Array;
}

/**
 * The largest eigenvalues (by value, not by magnitude) of a dense symmetric matrix and their eigenvectors.
 *
 * One Lanczos run per pair, orthogonal to the pairs found before, so multiple and close eigenvalues come out as
 * often as they occur. Products are O(size^2); a covariance of size 2048 takes a hundred or two per pair, the
 * worst case `size`. Vectors of eigenvalues closer than the tolerance are any basis of their common space.
 *
 * @param matrix size x size, row-major.
 * @throws DdclError `argument` for options out of range, `shape` when `matrix` has another length, `data` when it is
 *   not finite or not symmetric (to 1e-9 of its largest entry).
 */
export function topEigenpairs(matrix: Float64Array, size: number, options: TopEigenpairsOptions = {}): TopEigenpairs {
  return withoutPause(eigenpairsInPieces(matrix, size, options));
}

/**
 * {@link topEigenpairs} for work that may be stopped: the event loop has turns between the products.
 *
 * @throws DdclError as there; `aborted` once the signal has fired
 */
export function abortableEigenpairs(
  matrix: Float64Array,
  size: number,
  { signal, ...options }: TopEigenpairsOptions & { readonly signal?: AbortSignalLike | undefined } = {},
): Promise<TopEigenpairs> {
  return inTurns(eigenpairsInPieces(matrix, size, options), signal);
}

function* eigenpairsInPieces(matrix: Float64Array, size: number, options: TopEigenpairsOptions): Pieces<TopEigenpairs> {
  const { count = 1, tolerance = 1e-12, random = createRandom(0).fork('topEigenpairs') } = options;
  checkLanczosOptions(size, size, tolerance);
  if (!Number.isSafeInteger(count) || count < 1 || count > size) {
    throw new DdclError('argument', `A matrix of size ${size} has 1..${size} eigenpairs, but ${count} were asked for.`);
  }
  checkSymmetric(matrix, size);

  const values: number[] = [];
  const locked: Float64Array[] = [];
  let magnitude = 0;
  while (locked.length < count) {
    const process = lanczosProcess({
      size,
      random,
      maxIterations: size,
      tolerance,
      want: 'largest',
      locked,
      magnitude,
    });
    let step = process.next();
    while (step.done !== true) {
      step = process.next(multiply(matrix, size, step.value));
      yield;
    }
    magnitude = Math.max(magnitude, Math.abs(step.value.largest), Math.abs(step.value.smallest));
    values.push(step.value.largest);
    locked.push(withPositivePeak(step.value.vectors().largest));
  }

  // Close values can be found in the wrong order.
  const order = values.map((_, i) => i).sort((a, b) => (values[b] as number) - (values[a] as number));
  const vectors = new Float64Array(count * size);
  order.forEach((from, to) => vectors.set(locked[from] as Float64Array, to * size));
  return { values: Float64Array.from(order, (i) => values[i] as number), vectors };
}

function multiply(matrix: Float64Array, size: number, vector: Float64Array): Float64Array {
  const product = new Float64Array(size);
  for (let i = 0; i < size; i += 1) product[i] = dot(matrix.subarray(i * size, (i + 1) * size), vector);
  return product;
}

function withPositivePeak(vector: Float64Array): Float64Array {
  const peak = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return peak < 0 ? vector.map((value) => -value) : vector;
}

function checkSymmetric(matrix: Float64Array, size: number): void {
  if (matrix.length !== size * size) {
    throw new DdclError('shape', `A ${size} x ${size} matrix was announced, but ${matrix.length} numbers came.`);
  }
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      const below = matrix[i * size + j] as number;
      const above = matrix[j * size + i] as number;
      largest = Math.max(largest, Math.abs(below), Math.abs(above));
      difference = Math.max(difference, Math.abs(below - above));
    }
  }
  if (!Number.isFinite(largest))
    throw new DdclError('data', 'A symmetric matrix must be finite, but it holds NaN or infinity.');
  if (difference > 1e-9 * largest) {
    throw new DdclError('data', `A symmetric matrix was expected, but mirrored entries differ by up to ${difference}.`);
  }
}

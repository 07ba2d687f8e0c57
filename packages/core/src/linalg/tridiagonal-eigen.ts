import { DdclError, internalError } from '../errors/ddcl-error.ts';

/** Which part of the eigenvectors to compute: all of each, its last component (much cheaper), or nothing. */
export type EigenvectorPart = 'all' | 'last' | 'none';

/** Eigenvalues of a symmetric tridiagonal matrix, ascending, with the asked part of their unit eigenvectors. */
export interface TridiagonalEigen {
  /** n eigenvalues, ascending. */
  readonly values: Float64Array;
  /** `all`: n x n, row i belongs to value i. `last`: n x 1, the last component of each. `none`: empty. */
  readonly vectors: Float64Array;
}

const sweepsPerValue = 60;

/**
 * Eigen-decomposition of a symmetric tridiagonal matrix by implicit QL with Wilkinson's shift (EISPACK `tql2`;
 * G. Golub, C. Van Loan, *Matrix Computations*, 8.3). Backward stable: errors of values are a small multiple of
 * 2^-52 times the largest entry. Time O(n^2) for `last` and `none`, O(n^3) for `all`.
 *
 * @param diagonal n >= 1 numbers.
 * @param offDiagonal n - 1 numbers beside the diagonal.
 * @throws DdclError `shape` when the lengths do not fit, `data` when a number is not finite.
 */
export function tridiagonalEigen(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  part: EigenvectorPart = 'all',
): TridiagonalEigen {
  const n = diagonal.length;
  if (n < 1 || offDiagonal.length !== n - 1) {
    throw new DdclError(
      'shape',
      `A tridiagonal matrix needs n >= 1 diagonal and n - 1 other numbers, but ${n} and ${offDiagonal.length} came.`,
    );
  }
  const scale = Math.max(largestMagnitude(diagonal), largestMagnitude(offDiagonal));
  if (!Number.isFinite(scale))
    throw new DdclError('data', 'A tridiagonal matrix must be finite, but it holds NaN or infinity.');

  // Divided by its largest entry, nothing can overflow, and what underflows does not matter.
  const divisor = scale === 0 ? 1 : scale;
  const d = diagonal.map((value) => value / divisor);
  const e = new Float64Array(n);
  offDiagonal.forEach((value, i) => {
    e[i] = value / divisor;
  });
  const width = part === 'all' ? n : part === 'last' ? 1 : 0;
  const vectors = new Float64Array(n * width);
  if (part === 'all') for (let i = 0; i < n; i += 1) vectors[i * n + i] = 1;
  if (part === 'last') vectors[n - 1] = 1;

  for (let l = 0; l < n; l += 1) {
    for (let sweep = 0; ; sweep += 1) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m] as number) > Number.EPSILON / 2) m += 1;
      if (m === l) break;
      if (sweep === sweepsPerValue) throw internalError(`QL did not converge for a tridiagonal matrix of size ${n}`);
      sweepQl(d, e, l, m, vectors, width);
    }
  }

  const order = Array.from(d.keys()).sort((a, b) => (d[a] as number) - (d[b] as number));
  const sorted = new Float64Array(n * width);
  order.forEach((from, to) => sorted.set(vectors.subarray(from * width, (from + 1) * width), to * width));
  return { values: Float64Array.from(order, (i) => (d[i] as number) * divisor), vectors: sorted };
}

/** One implicit QL sweep over the unreduced block l..m; rotates rows of `vectors` along. */
function sweepQl(d: Float64Array, e: Float64Array, l: number, m: number, vectors: Float64Array, width: number): void {
  const at = (array: Float64Array, i: number): number => array[i] as number;
  const slope = (at(d, l + 1) - at(d, l)) / (2 * at(e, l));
  const root = Math.sqrt(slope * slope + 1);
  let g = at(d, m) - at(d, l) + at(e, l) / (slope + (slope < 0 ? -root : root));
  let sine = 1;
  let cosine = 1;
  let p = 0;
  for (let i = m - 1; i >= l; i -= 1) {
    const f = sine * at(e, i);
    const b = cosine * at(e, i);
    const r = Math.sqrt(f * f + g * g);
    e[i + 1] = r;
    if (r === 0) {
      // The block fell apart under the sweep; start again on what is left.
      d[i + 1] = at(d, i + 1) - p;
      e[m] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    g = at(d, i + 1) - p;
    const t = (at(d, i) - g) * sine + 2 * cosine * b;
    p = sine * t;
    d[i + 1] = g + p;
    g = cosine * t - b;
    rotateRows(vectors, i * width, (i + 1) * width, width, cosine, sine);
  }
  d[l] = at(d, l) - p;
  e[l] = g;
  e[m] = 0;
}

function rotateRows(
  vectors: Float64Array,
  lower: number,
  upper: number,
  width: number,
  cosine: number,
  sine: number,
): void {
  for (let k = 0; k < width; k += 1) {
    const a = vectors[lower + k] as number;
    const b = vectors[upper + k] as number;
    vectors[upper + k] = sine * a + cosine * b;
    vectors[lower + k] = cosine * a - sine * b;
  }
}

/** NaN when a value is NaN. */
function largestMagnitude(values: Float64Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

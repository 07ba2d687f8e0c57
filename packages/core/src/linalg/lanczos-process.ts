import { DdclError } from '../errors/ddcl-error.ts';
import type { Random } from '../random/random.ts';
import { tridiagonalEigen } from './tridiagonal-eigen.ts';
import { addScaled, dot, norm, orthogonalise } from './vector.ts';

/** The end or ends of the spectrum that must converge. */
export type SpectrumEnd = 'largest' | 'smallest' | 'both';

/** Estimates of both ends of the spectrum, and how far their Ritz pairs are from eigenpairs. */
export interface SpectrumEstimate {
  /** Products with the matrix so far. */
  readonly iterations: number;
  readonly smallest: number;
  readonly largest: number;
  /**
   * `|A x - theta x|` of the unit Ritz vectors x, estimated by Lanczos' formula (0 means: to rounding). An eigenvalue
   * lies within this distance of theta. Same units as the eigenvalues.
   */
  readonly residuals: { readonly smallest: number; readonly largest: number };
}

/** What the process returns at its end. */
export interface LanczosProcessResult extends SpectrumEstimate {
  readonly converged: boolean;
  /** Unit Ritz vectors of the two ends. */
  readonly vectors: () => { readonly smallest: Float64Array; readonly largest: Float64Array };
}

/** As the options of `lanczos`, all of them decided and checked by the caller. */
export interface LanczosProcessOptions {
  readonly size: number;
  readonly random: Random;
  readonly maxIterations: number;
  readonly tolerance: number;
  readonly want: SpectrumEnd;
  /** Orthonormal eigenvectors already found: the process stays orthogonal to them. Fewer than `size`. */
  readonly locked?: readonly Float64Array[];
  /** A known magnitude of the whole spectrum, when the locked vectors hold the large part of it. Default 0. */
  readonly magnitude?: number;
  /** Where to begin, of any length; a random vector of the same length is added, since other eigenvectors may be missing in it. */
  readonly start?: Float64Array;
  readonly onEstimate?: (estimate: SpectrumEstimate) => void;
}

/** A Ritz value at one end of the spectrum, found in the Krylov space of basis vectors first..last. */
interface End {
  readonly value: number;
  readonly residual: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Lanczos with full reorthogonalisation (Parlett, *The Symmetric Eigenvalue Problem*, ch. 13) as a generator: it
 * yields a unit vector v and is resumed with A v. So one text serves matrices that answer at once and those
 * that answer later.
 *
 * When the Krylov space turns out invariant (breakdown), the process goes on from a fresh random vector orthogonal
 * to it, until such a space brings no new extreme. Yielded arrays must not be changed, and the product is
 * copied. Keeps iterations x size numbers.
 */
export function* lanczosProcess(
  options: LanczosProcessOptions,
): Generator<Float64Array, LanczosProcessResult, Float64Array> {
  const { size, random, tolerance, want, locked = [], magnitude = 0 } = options;
  const room = size - locked.length;
  const basis: Float64Array[] = [];
  const alpha: number[] = [];
  const beta: number[] = []; // beta[i] couples vectors i and i + 1; 0 where one Krylov space ends.
  let first = 0;
  let scale = magnitude; // or the largest |A v| so far: a lower bound of |A|, usually close
  let before: { smallest: End; largest: End } | undefined; // of the spaces that ended
  let next = startVector(options, freshVector(size, random, locked, basis));

  for (;;) {
    const vector = next;
    const rest = checkedProduct(yield vector, size);
    basis.push(vector);
    scale = Math.max(scale, norm(rest));
    alpha.push(dot(vector, rest));
    orthogonalise(rest, locked, basis);
    const coupling = norm(rest);
    const iterations = basis.length;
    const full = iterations === room;
    // Below rounding of A v, the direction of the rest means nothing.
    const ended = full || coupling <= 8 * Number.EPSILON * Math.sqrt(size) * scale;
    const last = iterations === options.maxIterations;

    if (ended || last || isCheckpoint(iterations - first)) {
      const here = endsOfBlock(alpha, beta, first, iterations - 1, ended ? 0 : coupling);
      const smallest =
        before === undefined || here.smallest.value < before.smallest.value ? here.smallest : before.smallest;
      const largest = before === undefined || here.largest.value > before.largest.value ? here.largest : before.largest;
      const estimate: SpectrumEstimate = {
        iterations,
        smallest: smallest.value,
        largest: largest.value,
        residuals: { smallest: smallest.residual, largest: largest.residual },
      };
      options.onEstimate?.(estimate);

      const bound = tolerance * Math.max(magnitude, Math.abs(smallest.value), Math.abs(largest.value));
      const settled = (pair: { smallest: End; largest: End }): boolean =>
        (want === 'largest' || pair.smallest.residual <= bound) &&
        (want === 'smallest' || pair.largest.residual <= bound);
      // The extremes of this space must have settled too, or it might still overtake the earlier ones.
      const done = settled({ smallest, largest }) && settled(here);
      const news =
        before === undefined ||
        (want !== 'smallest' && here.largest.value > before.largest.value + bound) ||
        (want !== 'largest' && here.smallest.value < before.smallest.value - bound);
      if (full || last || (done && !(ended && news))) {
        const vectors = (): { smallest: Float64Array; largest: Float64Array } => ({
          smallest: ritzVector(alpha, beta, basis, smallest, 'smallest'),
          largest: ritzVector(alpha, beta, basis, largest, 'largest'),
        });
        return { ...estimate, converged: full || done, vectors };
      }
      if (ended) {
        before = { smallest, largest };
        first = iterations;
      }
    }
    beta.push(ended ? 0 : coupling);
    next = ended ? freshVector(size, random, locked, basis) : scaled(rest, 1 / coupling);
  }
}

/** Every iteration at first, then about 3 % apart: the small eigenproblem must not outgrow the products. */
function isCheckpoint(length: number): boolean {
  return length % Math.max(1, Math.floor(length / 32)) === 0;
}

function endsOfBlock(
  alpha: readonly number[],
  beta: readonly number[],
  first: number,
  last: number,
  coupling: number,
): { smallest: End; largest: End } {
  const { values, vectors } = tridiagonalEigen(...blockOf(alpha, beta, first, last), 'last');
  const end = (i: number): End => ({
    value: values[i] as number,
    residual: coupling * Math.abs(vectors[i] as number),
    first,
    last,
  });
  return { smallest: end(0), largest: end(values.length - 1) };
}

function blockOf(
  alpha: readonly number[],
  beta: readonly number[],
  first: number,
  last: number,
): [Float64Array, Float64Array] {
  return [Float64Array.from(alpha.slice(first, last + 1)), Float64Array.from(beta.slice(first, last))];
}

function ritzVector(
  alpha: readonly number[],
  beta: readonly number[],
  basis: readonly Float64Array[],
  { first, last }: End,
  which: 'smallest' | 'largest',
): Float64Array {
  const { values, vectors } = tridiagonalEigen(...blockOf(alpha, beta, first, last), 'all');
  const row = which === 'smallest' ? 0 : values.length - 1;
  const sum = new Float64Array((basis[0] as Float64Array).length);
  for (let i = first; i <= last; i += 1) {
    addScaled(sum, vectors[row * values.length + i - first] as number, basis[i] as Float64Array);
  }
  return scaled(sum, 1 / norm(sum));
}

function startVector({ start, locked = [] }: LanczosProcessOptions, fresh: Float64Array): Float64Array {
  if (start === undefined) return fresh;
  const vector = scaled(start, 1 / norm(start));
  addScaled(vector, 1, fresh);
  orthogonalise(vector, locked);
  return scaled(vector, 1 / norm(vector));
}

function freshVector(
  size: number,
  random: Random,
  locked: readonly Float64Array[],
  basis: readonly Float64Array[],
): Float64Array {
  for (;;) {
    const vector = Float64Array.from({ length: size }, () => random.normal());
    const before = norm(vector);
    orthogonalise(vector, locked, basis);
    const length = norm(vector);
    // What is left of a vector inside the known space is rounding; draw again.
    if (length <= 1e-10 * before) continue;
    const unit = scaled(vector, 1 / length);
    orthogonalise(unit, locked, basis);
    return scaled(unit, 1 / norm(unit));
  }
}

function scaled(x: Float64Array, factor: number): Float64Array {
  return x.map((value) => value * factor);
}

function checkedProduct(product: Float64Array, size: number): Float64Array {
  if (product.length !== size) {
    throw new DdclError(
      'shape',
      `A product with a matrix of size ${size} must have ${size} numbers, but ${product.length} came.`,
    );
  }
  const bad = product.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new DdclError(
      'data',
      `The product of the matrix with a unit vector holds ${product[bad]} at index ${bad}. Check the data for NaN and overflow.`,
    );
  }
  return product.slice();
}

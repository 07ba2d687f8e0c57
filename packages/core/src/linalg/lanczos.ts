import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import type { Random } from '../random/random.ts';
import { lanczosProcess, type SpectrumEnd, type SpectrumEstimate } from './lanczos-process.ts';

/** What to search for, and how long. */
export interface LanczosOptions {
  /** Rows of the matrix, >= 1. */
  readonly size: number;
  /** Draws the start vector (and others on breakdown): `size` normal numbers each. */
  readonly random: Random;
  /** Most products with the matrix; default 300. Never more than `size` are made. */
  readonly maxIterations?: number;
  /**
   * Largest residual of a wanted eigenpair as a share of the largest magnitude of the spectrum; default 1e-8.
   * The error of an isolated eigenvalue is about the square of this share. Use 1e-5 when
   * `apply` computes in float32: its own rounding, about 1e-7, hides smaller residuals.
   */
  readonly tolerance?: number;
  /** A guess of what is looked for, `size` numbers, not all 0: its part along the wanted ends is found sooner. Default: none. */
  readonly start?: Float64Array;
  /** Which ends must converge; default 'both'. The other one is returned as it stands. */
  readonly want?: SpectrumEnd;
  /** Return the eigenvectors of both ends; default false. */
  readonly vectors?: boolean;
  /** Looked at before every product. */
  readonly signal?: AbortSignalLike;
  /** Called with the estimates so far: after every product up to 63, then every few per cent more. */
  readonly onIteration?: (estimate: SpectrumEstimate) => void;
}

/** The extremes of a spectrum. */
export interface LanczosResult extends SpectrumEstimate {
  /** Whether the wanted ends are within the tolerance. False only after `maxIterations`. */
  readonly converged: boolean;
  /** Unit vectors of the two ends, on request. Their signs are arbitrary. */
  readonly vectors?: { readonly smallest: Float64Array; readonly largest: Float64Array };
}

/**
 * Smallest and largest eigenvalue of a symmetric matrix that is known only through its products, for example a
 * Hessian (docs/math.md section 4). Lanczos with full reorthogonalisation: keeps one vector of `size` numbers
 * per iteration. Exact to rounding once `size` products were made, and for matrices with few distinct eigenvalues.
 *
 * @param apply returns A v for a unit vector v of `size` numbers that it must not change. A must be symmetric.
 * @throws DdclError `argument` for options out of range, `shape` or `data` when a product has another length or is
 *   not finite, `aborted` when the signal fired (its reason is the cause). Errors of `apply` pass through.
 */
export async function lanczos(
  apply: (vector: Float64Array) => Promise<Float64Array>,
  options: LanczosOptions,
): Promise<LanczosResult> {
  const { size, random, maxIterations = 300, tolerance = 1e-8, want = 'both', start, signal, onIteration } = options;
  checkLanczosOptions(size, maxIterations, tolerance);
  const process = lanczosProcess({
    size,
    random,
    maxIterations,
    tolerance,
    want,
    ...(start === undefined ? {} : { start }),
    ...(onIteration === undefined ? {} : { onEstimate: onIteration }),
  });
  let step = process.next();
  while (step.done !== true) {
    throwIfAborted(signal);
    step = process.next(await apply(step.value));
  }
  const { vectors, ...result } = step.value;
  return options.vectors === true ? { ...result, vectors: vectors() } : result;
}

/** @throws DdclError `argument` for numbers out of range. */
export function checkLanczosOptions(size: number, maxIterations: number, tolerance: number): void {
  for (const [name, value] of [
    ['size', size],
    ['maxIterations', maxIterations],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new DdclError('argument', `Lanczos needs an integer ${name} >= 1, but ${value} came.`);
    }
  }
  if (!(tolerance > 0 && tolerance < 1)) {
    throw new DdclError(
      'argument',
      `Lanczos needs a tolerance between 0 and 1, but ${tolerance} came. The default is 1e-8.`,
    );
  }
}

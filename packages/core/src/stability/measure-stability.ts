import type { Backend } from '../backend/contract.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';
import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { tokenPass } from '../pass/token-pass.ts';
import type { Random } from '../random/random.ts';
import { tokensFromArray } from '../tokens/from-array.ts';
import { tokensFromReader } from '../tokens/from-reader.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { boundaryHessian } from './boundary-hessian.ts';
import { findBoundaryTokens } from './boundary-tokens.ts';
import { deviceHessian } from './device-hessian.ts';
import { measureSlope } from './slope.ts';
import { hessianStability, type Stability } from './stability.ts';

/** Numbers (tokens x K x m) that a fit's certificate may go over once: all tokens up to there, else the sample. */
const passBudget = 2 ** 37;
/** Numbers (tokens x K x m) that each of its products may go over where assignments are soft. */
const productBudget = 2 ** 27;

export interface MeasureStabilityOptions {
  readonly random: Random;
  /** D > 0, [K m], where an optimiser divides gradients by D: `maxLearningRate` is of `D^-1/2 H D^-1/2` then (docs/math.md section 4). */
  readonly divisor?: Float64Array | undefined;
  /**
   * Spend fewer products on the ends of H's own spectrum: `lambdaMax` is good to a thousandth, and `lambdaMin` is an upper bound of the right
   * sign. Default false.
   */
  readonly isRough?: boolean | undefined;
  readonly signal?: AbortSignalLike | undefined;
  /** Called with the Hessian products made so far. */
  readonly onIteration?: ((iteration: number) => void) | undefined;
}

/**
 * The certificate of a fit: on all tokens where it fits, by the boundary tokens alone, and else on the sample. A sample has fewer tokens in
 * each cell, which makes the smallest eigenvalue smaller: a negative one says little then, `tokens` tells.
 */
export async function measureStability(
  backend: Backend,
  source: TokenSource,
  { tokens, sample }: Pick<TokenStatistics, 'tokens' | 'sample'>,
  state: PrototypeState,
  options: MeasureStabilityOptions,
): Promise<Stability> {
  const { count, dimension } = state;
  const sampled = (most: number): TokenSource =>
    tokensFromReader(
      tokensFromArray(
        evenRows(sample.rows, dimension, sample.count, most),
        dimension,
        evenRows(sample.weights, 1, sample.count, most),
      ),
    );
  const isWithin = (number: number): boolean => number * count * dimension <= passBudget;
  const found = isWithin(tokens) ? await measureOn(backend, source, tokens, state, options, false) : undefined;
  if (found !== undefined) return found;
  const all = isWithin(sample.count)
    ? await measureOn(backend, sampled(sample.count), sample.count, state, options, false)
    : undefined;
  const most = Math.min(sample.count, Math.max(1024, Math.floor(productBudget / (count * dimension))));
  return { ...(all ?? (await measureStabilityOn(backend, sampled(most), most, state, options))), sampled: true };
}

/** The certificate on all tokens of a source. */
export async function measureStabilityOn(
  backend: Backend,
  source: TokenSource,
  tokens: number,
  state: PrototypeState,
  options: MeasureStabilityOptions,
): Promise<Stability> {
  return (await measureOn(backend, source, tokens, state, options, true))!;
}

/** @returns undefined where it would take products on the backend and may not */
async function measureOn(
  backend: Backend,
  source: TokenSource,
  tokens: number,
  given: PrototypeState,
  options: MeasureStabilityOptions,
  mayUseDevice: boolean,
): Promise<Stability | undefined> {
  const { dtype, frame, count: width } = given;
  const { signal } = options;
  const pass = tokenPass(backend, source, { dtype, frame, width, tokens, repeated: mayUseDevice });
  try {
    const state = given.within(pass.frame);
    const boundary = await findBoundaryTokens(pass, source, state, signal);
    if (boundary !== undefined)
      return await hessianStability(boundaryHessian(boundary, state), state, boundary.slope, options);
    if (!mayUseDevice) return undefined;
    const slope = (await measureSlope(pass, state, signal))!;
    return await hessianStability(await deviceHessian(pass, state, signal), state, slope, options);
  } finally {
    pass.dispose();
  }
}

/** `most` rows out of `count`, evenly spread, so that any part of a sample is a sample. */
export function evenRows(rows: Float64Array, dimension: number, count: number, most: number): Float64Array {
  if (most >= count) return rows;
  const picked = new Float64Array(most * dimension);
  for (let index = 0; index < most; index++) {
    const from = Math.floor((index * count) / most);
    picked.set(rows.subarray(from * dimension, (from + 1) * dimension), index * dimension);
  }
  return picked;
}

import { withoutPause, type Pieces } from '../abort/pieces.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import type { Random } from '../random/random.ts';
import { distinctRows } from '../numbers/distinct-rows.ts';
import { kMeansPlusPlus } from './k-means-plus-plus.ts';

/**
 * Where prototypes start.
 *
 * - `pulled` (default): random distinct tokens, pulled to the mean until 0.3 of their distance is left. Far-out
 *   starts are lost: beyond `l + T` every token pushes a prototype away (docs/math.md section 5).
 * - `tokens`: random distinct tokens where they are.
 * - `k-means++`: tokens drawn with probability proportional to their squared distance from those
 *   chosen (Arthur, Vassilvitskii 2007), with a guard: no token beyond the 99th percentile of distances from the mean.
 * - an array [K, m]: given prototypes, in the tokens' units.
 */
export type Start = 'pulled' | 'tokens' | 'k-means++' | Float64Array | Float32Array;

const namedStarts: readonly Start[] = ['pulled', 'tokens', 'k-means++'];

/** The share of its distance from the mean that a `pulled` prototype keeps. */
export const pulledShare = 0.3;

export interface InitializeOptions {
  readonly count: number;
  readonly dimension: number;
  /** A uniform sample of the tokens, rows of length m. */
  readonly sample: Float64Array;
  /** Weights > 0 of the sampled tokens, for `k-means++`. Default: all alike. */
  readonly weights?: Float64Array;
  /** Weighted mean of the tokens, [m]. */
  readonly mean: Float64Array;
  readonly random: Random;
  readonly start?: Start;
}

/**
 * Prototypes to start from, [K, m], in the tokens' units.
 *
 * @throws DdclError `argument` for a start that there is not; `data` if the sample has fewer distinct tokens than prototypes; `shape` or `data` if given prototypes do not fit
 */
export function initialize(options: InitializeOptions): Float64Array {
  return withoutPause(initializeInPieces(options));
}

/** {@link initialize} for work that may pause. */
export function* initializeInPieces({
  count,
  dimension,
  sample,
  weights,
  mean,
  random,
  start = 'pulled',
}: InitializeOptions): Pieces<Float64Array> {
  if (typeof start !== 'string') return checkGiven(start, count, dimension);
  if (!namedStarts.includes(start)) {
    throw new DdclError(
      'argument',
      `start must be ${namedStarts.map((name) => `'${name}'`).join(', ')} or an array of prototypes, but is '${String(start)}'.`,
    );
  }
  const rows = yield* distinctRows(sample, dimension, random.permutation(sample.length / dimension), count);
  if (rows.length < count) {
    throw new DdclError(
      'data',
      `${count} prototypes need at least ${count} distinct tokens, but there are ${rows.length}. Ask for at most ${rows.length} prototypes, or give more tokens.`,
    );
  }
  const chosen =
    start === 'k-means++' ? (yield* kMeansPlusPlus(sample, dimension, mean, count, random, weights)).rows : rows;
  const keep = start === 'pulled' ? pulledShare : 1;
  const prototypes = new Float64Array(count * dimension);
  chosen.forEach((row, index) => {
    for (let axis = 0; axis < dimension; axis++) {
      const centre = mean[axis]!;
      prototypes[index * dimension + axis] = centre + keep * (sample[row * dimension + axis]! - centre);
    }
  });
  return prototypes;
}

function checkGiven(given: Float64Array | Float32Array, count: number, dimension: number): Float64Array {
  if (given.length !== count * dimension) {
    throw new DdclError(
      'shape',
      `Given prototypes take ${count} x ${dimension} = ${count * dimension} numbers, but ${given.length} came.`,
    );
  }
  const bad = given.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new DdclError(
      'data',
      `Given prototypes must be finite, but prototype ${Math.floor(bad / dimension)} holds ${given[bad]}.`,
    );
  }
  return Float64Array.from(given);
}

import { DdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';
import { normalizeVectors } from '../numbers/normalize-vectors.ts';

export interface SummaryVectorsOptions {
  /** Whether each vector gets length 1. Default true. */
  readonly normalize?: boolean;
  /**
   * Makes the document's mean vector the first of its vectors, and leaves one summary fewer room: a summary finds details, the mean
   * what the whole is about. It is not multiplied by a power of anything. Default false.
   */
  readonly withMean?: boolean;
  /**
   * Pulls summaries of few tokens to the document's mean, which a single one of them says little about: the direction of a vector is
   * that of `o_k s_k + shrinkage * sum_j o_j s_j`. >= 0, default 0.
   */
  readonly shrinkage?: number;
  /**
   * Multiplies each summary by `o_k^power`, so that what little of a document is about counts less, as query and as document. Vectors
   * of other lengths than 1 need an index of inner products. >= 0, default 0.
   */
  readonly occupancyPower?: number;
}

export interface SummaryVectors {
  /** `shape` [c, m], c <= count: the mean if it was asked for, then the largest occupancy first. */
  readonly data: Float32Array;
  readonly shape: readonly [number, number];
  /** Prototype that each vector comes from, [c]; -1 for the mean. */
  readonly prototypes: Int32Array;
}

/** Summaries and occupancy of one sequence, as `Readout.encode` gives them. */
export interface SequenceSummaries {
  /** [K, m] */
  readonly summaries: Float32Array | Float64Array;
  /** [K], >= 0 */
  readonly occupancy: ArrayLike<number>;
}

/**
 * At most `count` vectors of one document for late interaction: its summaries of largest occupancy; ties go to the lower
 * prototype. Summaries without occupancy, and those that are zeros because theirs was too small for a mean, are left out.
 *
 * @throws DdclError `argument` if count is not a whole number >= 1, or an option is no finite number >= 0; `shape` if the
 *   summaries are not K rows; `data` for summaries that are not finite, and occupancies that are not finite and >= 0
 */
export function summaryVectors(
  { summaries, occupancy }: SequenceSummaries,
  count: number,
  { normalize = true, withMean = false, shrinkage = 0, occupancyPower = 0 }: SummaryVectorsOptions = {},
): SummaryVectors {
  if (!(Number.isSafeInteger(count) && count >= 1)) {
    throw new DdclError('argument', `A document keeps a whole number of vectors >= 1, but ${count} came.`);
  }
  for (const [name, value] of Object.entries({ shrinkage, occupancyPower })) {
    if (!(value >= 0 && value < Infinity))
      throw new DdclError('argument', `${name} is a finite number >= 0, but ${value} came. 0 leaves it out.`);
  }
  requireFloats(summaries, 'Summaries');
  const dimension = summaries.length / occupancy.length;
  if (!(Number.isSafeInteger(dimension) && dimension >= 1)) {
    throw new DdclError(
      'shape',
      `Summaries are K vectors with K occupancies, but ${summaries.length} numbers and ${occupancy.length} occupancies came. Pass those of one sequence.`,
    );
  }
  const candidates: number[] = [];
  for (let k = 0; k < occupancy.length; k++) {
    const share = occupancy[k]!;
    const vector = summaries.subarray(k * dimension, (k + 1) * dimension);
    if (!(share >= 0 && share < Infinity && vector.every(Number.isFinite))) {
      throw new DdclError(
        'data',
        `Summaries must be finite with a finite occupancy >= 0, but those of prototype ${k} are not (occupancy ${share}).`,
      );
    }
    if (share > 0 && vector.some((value) => value !== 0)) candidates.push(k);
  }
  const mean = withMean || shrinkage > 0 ? documentMean(summaries, occupancy, dimension) : undefined;
  const first = withMean && mean!.some((value) => value !== 0) ? 1 : 0;
  // Sorting is stable, so ties stay in the order of the prototypes.
  const chosen = candidates.sort((a, b) => occupancy[b]! - occupancy[a]!).slice(0, count - first);
  const rows = new Float64Array((first + chosen.length) * dimension);
  if (first === 1) rows.set(mean!);
  if (normalize) normalizeVectors(rows.subarray(0, first * dimension), dimension);
  chosen.forEach((k, index) => {
    const own = rows.subarray((first + index) * dimension, (first + index + 1) * dimension);
    own.set(summaries.subarray(k * dimension, (k + 1) * dimension));
    const share = occupancy[k]!;
    if (shrinkage > 0)
      for (let axis = 0; axis < dimension; axis++)
        own[axis] = (share * own[axis]! + shrinkage * mean![axis]!) / (share + shrinkage);
    if (normalize) normalizeVectors(own, dimension);
    if (occupancyPower > 0) for (let axis = 0; axis < dimension; axis++) own[axis]! *= share ** occupancyPower;
  });
  return {
    data: Float32Array.from(rows),
    shape: [first + chosen.length, dimension],
    prototypes: Int32Array.from([...(first === 1 ? [-1] : []), ...chosen]),
  };
}

/** `sum_k o_k s_k`: what the summaries are the parts of. */
function documentMean(
  summaries: Float32Array | Float64Array,
  occupancy: ArrayLike<number>,
  dimension: number,
): Float64Array {
  const mean = new Float64Array(dimension);
  for (let k = 0; k < occupancy.length; k++)
    for (let axis = 0; axis < dimension; axis++) mean[axis]! += occupancy[k]! * summaries[k * dimension + axis]!;
  return mean;
}

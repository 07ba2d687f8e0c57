import { DdclError } from '@ddcl/core';
import { normaliseVectors } from '../encode/normalise.ts';

export interface SummaryVectorsOptions {
  /** Whether each vector gets length 1. Default true. */
  readonly normalise?: boolean;
}

export interface SummaryVectors {
  /** `shape` [c, m], c <= count, the largest occupancy first. */
  readonly data: Float32Array;
  readonly shape: readonly [number, number];
  /** Prototype that each vector comes from, [c]. */
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
 * @throws DdclError `argument` if count is not a whole number >= 1; `shape` if the summaries are not K rows; `data` for
 *   summaries that are not finite, and occupancies that are not finite and >= 0
 */
export function summaryVectors(
  { summaries, occupancy }: SequenceSummaries,
  count: number,
  { normalise = true }: SummaryVectorsOptions = {},
): SummaryVectors {
  if (!(Number.isSafeInteger(count) && count >= 1)) {
    throw new DdclError('argument', `A document keeps a whole number of vectors >= 1, but ${count} came.`);
  }
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
  // Sorting is stable, so ties stay in the order of the prototypes.
  const chosen = candidates.sort((a, b) => occupancy[b]! - occupancy[a]!).slice(0, count);
  const rows = new Float64Array(chosen.length * dimension);
  chosen.forEach((k, row) => rows.set(summaries.subarray(k * dimension, (k + 1) * dimension), row * dimension));
  if (normalise) normaliseVectors(rows, dimension);
  return {
    data: Float32Array.from(rows),
    shape: [chosen.length, dimension],
    prototypes: Int32Array.from(chosen),
  };
}

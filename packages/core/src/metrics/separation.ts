import type { RowData } from '../linalg/rows.ts';
import { forEachPair } from './pairwise.ts';

/** Euclidean distances between prototypes, in the units of the tokens. */
export interface Separation {
  /** Mean over all pairs; 0 for one prototype. */
  readonly mean: number;
  /** Smallest over all pairs; 0 for one prototype. */
  readonly min: number;
}

/**
 * S(P) of docs/math.md section 2: mean and minimum distance between prototypes, K (K - 1) / 2 pairs.
 *
 * @param prototypes count x dimension, row-major.
 * @throws DdclError `argument`, `shape` or `data` when they are not finite numbers of that shape.
 */
export function separation(prototypes: RowData, count: number, dimension: number): Separation {
  const apart = separationSums(count);
  forEachPair(prototypes, count, dimension, (_i, _j, distance) => apart.add(distance));
  return apart.result();
}

/** {@link separation} from the distances of all pairs, one by one. */
export function separationSums(count: number): { add(distance: number): void; result(): Separation } {
  let sum = 0;
  let min = Infinity;
  return {
    add(distance) {
      sum += distance;
      min = Math.min(min, distance);
    },
    result: () => (count === 1 ? { mean: 0, min: 0 } : { mean: sum / ((count * (count - 1)) / 2), min }),
  };
}

import { DdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';

/** Vectors of many documents or queries, one after another; sets may be empty. */
export interface VectorSets {
  /** [vectors, m] */
  readonly data: Float32Array;
  /** Set s has the vectors `offsets[s]` to `offsets[s + 1] - 1`: [sets + 1], from 0 to the number of vectors, never falling. */
  readonly offsets: ArrayLike<number>;
  /** m */
  readonly dimension: number;
}

/**
 * Puts the vectors of documents (or queries) together, as `wardPool` and `summaryVectors` return them.
 *
 * @param sets the vectors of each, [vectors, m]
 * @throws DdclError `shape` for one whose numbers are no rows of m, `dtype` unless they are float32 or float64
 */
export function packVectors(sets: readonly (Float32Array | Float64Array)[], dimension: number): VectorSets {
  const offsets = new Float64Array(sets.length + 1);
  sets.forEach((set, index) => {
    requireFloats(set, `The vectors of set ${index} (counted from 0)`);
    if (set.length % dimension !== 0) {
      throw new DdclError(
        'shape',
        `Vectors have ${dimension} numbers each, but set ${index} (counted from 0) has ${set.length} numbers.`,
      );
    }
    offsets[index + 1] = offsets[index]! + set.length / dimension;
  });
  const data = new Float32Array(offsets[sets.length]! * dimension);
  sets.forEach((set, index) => data.set(set, offsets[index]! * dimension));
  return { data, offsets, dimension };
}

/** Number of vectors of set `index`. */
export function countOf({ offsets }: VectorSets, index: number): number {
  return offsets[index + 1]! - offsets[index]!;
}

/**
 * @param name what the sets are, for messages
 * @throws DdclError `shape` for offsets that do not fit the numbers; `data` for numbers that are not finite
 */
export function requireSets({ data, offsets, dimension }: VectorSets, name: string): void {
  requireFloats(data, `The vectors of the ${name}`);
  const vectors = data.length / dimension;
  let fits = Number.isSafeInteger(dimension) && dimension >= 1 && offsets.length >= 1 && offsets[0] === 0;
  for (let index = 1; index < offsets.length; index++) {
    if (!(Number.isSafeInteger(offsets[index]) && offsets[index]! >= offsets[index - 1]!)) fits = false;
  }
  if (!fits || offsets[offsets.length - 1] !== vectors) {
    throw new DdclError(
      'shape',
      `The offsets of the ${name} must rise from 0 to their number of vectors, ${data.length} / ${dimension}, but they go from ${offsets[0]} to ${offsets[offsets.length - 1]}. packVectors makes them.`,
    );
  }
  for (let place = 0; place < data.length; place++) {
    if (!Number.isFinite(data[place])) {
      throw new DdclError(
        'data',
        `The vectors of the ${name} must be finite, but vector ${Math.floor(place / dimension)} (counted from 0) has ${data[place]}.`,
      );
    }
  }
}

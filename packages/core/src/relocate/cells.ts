import { squaredDistance } from '../linalg/squared-distance.ts';
import type { TokenSample } from './relocate.ts';

/** What relocation knows about the cells of prototypes: the tokens nearest to each. */
export interface Cells {
  /** Nearest prototype of each token. */
  readonly codes: Int32Array;
  /** What the summed hard error would rise by without a prototype; 0 for one that is unused, about 0 for one of a merged pair. */
  readonly cost: Float64Array;
  /** The prototype nearest to each. */
  readonly heir: Int32Array;
}

/** Distances that are kept from one assignment to the next, at most (32 MiB); more are computed anew. */
const mostDistances = 1 << 22;

/**
 * Assigns every token to its nearest prototype (the lowest at a tie) and prices the removal of each prototype. Call it again after
 * prototypes have moved: distances to the others are known then.
 *
 * @param prototypes [K, m]; read at each call
 */
export function cellAssigner(
  { rows, weights, dimension }: TokenSample,
  prototypes: Float64Array,
): (moved?: Iterable<number>) => Cells {
  const count = prototypes.length / dimension;
  const tokens = rows.length / dimension;
  const kept = tokens * count <= mostDistances ? new Float64Array(tokens * count) : undefined;
  const row = new Float64Array(kept === undefined ? count : 0);
  let known = false;

  return (moved = []) => {
    const stale = kept !== undefined && known ? [...moved] : Array.from({ length: count }, (_, k) => k);
    known = true;
    const codes = new Int32Array(tokens);
    const cost = new Float64Array(count);
    for (let token = 0; token < tokens; token++) {
      const distances = kept ?? row;
      const start = kept === undefined ? 0 : token * count;
      for (const k of stale)
        distances[start + k] = squaredDistance(rows, token * dimension, prototypes, k * dimension, dimension);
      let nearest = Infinity;
      let second = Infinity;
      let winner = 0;
      for (let k = 0; k < count; k++) {
        const distance = distances[start + k]!;
        if (distance < nearest) {
          second = nearest;
          nearest = distance;
          winner = k;
        } else if (distance < second) second = distance;
      }
      codes[token] = winner;
      cost[winner]! += weights[token]! * (second - nearest);
    }
    return { codes, cost, heir: nearestPrototypes(prototypes, dimension) };
  };
}

function nearestPrototypes(prototypes: Float64Array, dimension: number): Int32Array {
  const count = prototypes.length / dimension;
  const heir = Int32Array.from({ length: count }, (_, k) => k);
  const nearest = new Float64Array(count).fill(Infinity);
  const offer = (j: number, k: number, distance: number): void => {
    // Pairs come in rising order of k for each j, so the lowest wins a tie.
    if (distance >= nearest[j]!) return;
    nearest[j] = distance;
    heir[j] = k;
  };
  for (let j = 0; j < count; j++) {
    for (let k = j + 1; k < count; k++) {
      const distance = squaredDistance(prototypes, j * dimension, prototypes, k * dimension, dimension);
      offer(j, k, distance);
      offer(k, j, distance);
    }
  }
  return heir;
}

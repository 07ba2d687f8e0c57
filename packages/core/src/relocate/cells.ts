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

/** Assigns every token to its nearest prototype (the lowest at a tie) and prices the removal of each prototype. */
export function assignCells({ rows, weights, dimension }: TokenSample, prototypes: Float64Array): Cells {
  const count = prototypes.length / dimension;
  const tokens = rows.length / dimension;
  const codes = new Int32Array(tokens);
  const cost = new Float64Array(count);
  for (let token = 0; token < tokens; token++) {
    let nearest = Infinity;
    let second = Infinity;
    let winner = 0;
    for (let k = 0; k < count; k++) {
      const distance = squaredDistance(rows, token * dimension, prototypes, k * dimension, dimension);
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
}

function nearestPrototypes(prototypes: Float64Array, dimension: number): Int32Array {
  const count = prototypes.length / dimension;
  return Int32Array.from({ length: count }, (_, j) => {
    let nearest = Infinity;
    let heir = j;
    for (let k = 0; k < count; k++) {
      if (k === j) continue;
      const distance = squaredDistance(prototypes, j * dimension, prototypes, k * dimension, dimension);
      if (distance < nearest) {
        nearest = distance;
        heir = k;
      }
    }
    return heir;
  });
}

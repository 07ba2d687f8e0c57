import { DdclError } from '../errors/ddcl-error.ts';
import type { RowData } from '../linalg/rows.ts';
import { checkPrototypes, forEachPair } from './pairwise.ts';

/**
 * `distinct` of docs/math.md section 2: prototypes left after joining all that are closer than `distance`, directly
 * or through others (single linkage). The distance there is 5 % of sqrt(trace C).
 *
 * @param prototypes count x dimension, row-major.
 * @param distance Euclidean, > 0; a pair at exactly this distance is not joined.
 * @returns an integer in 1..count.
 * @throws DdclError `argument` for another distance, and `argument`, `shape` or `data` when the prototypes are not
 *   finite numbers of that shape.
 */
export function distinctPrototypes(prototypes: RowData, count: number, dimension: number, distance: number): number {
  if (!(distance > 0)) {
    throw new DdclError('argument', `Prototypes are joined below a distance > 0, but ${distance} came.`);
  }
  checkPrototypes(prototypes, count, dimension);
  const groups = joinedGroups(count, distance);
  forEachPair(prototypes, count, dimension, groups.add);
  return groups.left();
}

/** {@link distinctPrototypes} from the distances of all pairs, one by one. */
export function joinedGroups(
  count: number,
  distance: number,
): { add(i: number, j: number, between: number): void; left(): number } {
  let groups = count;
  // Union-find: each prototype points towards the lowest one of its group; paths are halved on the way.
  const parents = Int32Array.from({ length: count }, (_, i) => i);
  function rootOf(i: number): number {
    let node = i;
    while (parents[node] !== node) {
      parents[node] = parents[parents[node] as number] as number;
      node = parents[node] as number;
    }
    return node;
  }
  return {
    add(i, j, between) {
      if (between >= distance) return;
      const a = rootOf(i);
      const b = rootOf(j);
      if (a === b) return;
      parents[Math.max(a, b)] = Math.min(a, b);
      groups -= 1;
    },
    left: () => groups,
  };
}

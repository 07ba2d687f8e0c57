import { DdclError } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';
import { prototypeAt, requireMasses, requirePrototype, withPrototypes, type Surgery } from './with-prototypes.ts';

/**
 * Replaces groups of prototypes by their mean. A merged prototype takes the place of its group's lowest number, the
 * others close ranks. Groups that share a prototype are one group.
 *
 * @param groups numbers of the prototypes of each group (pairs, or more); those in no group stay as they are
 * @param masses how much each prototype counts in a mean, [K], for example `measureSource`'s shares; all alike by
 *   default, and in a group without any
 * @throws DdclError `argument` for a number that is no prototype's; `shape` or `data` for masses that do not fit
 */
export function mergePrototypes(
  model: DdclModel,
  groups: readonly (readonly number[])[],
  masses?: ArrayLike<number>,
): Surgery {
  if (masses !== undefined) requireMasses(model, masses, 'masses');
  const roots = createRoots(model.count);
  for (const group of groups) {
    for (const k of group) {
      requirePrototype(model, k);
      roots.join(group[0]!, k);
    }
  }
  return replaceByMeans(model, roots, masses);
}

export interface MergeCloseOptions {
  /** Distance below which two prototypes are joined, as a share of the root of the tokens' total variance. Default 0.05. */
  readonly share?: number;
  /** As in {@link mergePrototypes}. */
  readonly masses?: ArrayLike<number>;
}

/**
 * Merges prototypes closer than a share of sqrt(trace C), directly or through others: what `distinct` of docs/math.md section 2
 * counts as one.
 *
 * @throws DdclError `argument` unless share > 0; `shape` or `data` for masses that do not fit
 */
export function mergeClose(model: DdclModel, { share = 0.05, masses }: MergeCloseOptions = {}): Surgery {
  if (!(share > 0 && share < Infinity)) {
    throw new DdclError('argument', `share must be a number > 0, but is ${share}. The default is 0.05.`);
  }
  if (masses !== undefined) requireMasses(model, masses, 'masses');
  const { count, dimension, prototypes } = model;
  const limit = share * Math.sqrt(model.totalVariance);
  const roots = createRoots(count);
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      let square = 0;
      for (let axis = 0; axis < dimension; axis++)
        square += (prototypes[i * dimension + axis]! - prototypes[j * dimension + axis]!) ** 2;
      if (Math.sqrt(square) < limit) roots.join(i, j);
    }
  }
  return replaceByMeans(model, roots, masses);
}

/** Disjoint sets; each is known by its lowest number. */
interface Roots {
  rootOf(k: number): number;
  join(a: number, b: number): void;
}

function createRoots(count: number): Roots {
  const parents = Int32Array.from({ length: count }, (_, k) => k);
  const rootOf = (k: number): number => {
    let node = k;
    while (parents[node] !== node) {
      parents[node] = parents[parents[node]!]!;
      node = parents[node]!;
    }
    return node;
  };
  return {
    rootOf,
    join(a, b) {
      const [i, j] = [rootOf(a), rootOf(b)];
      parents[Math.max(i, j)] = Math.min(i, j);
    },
  };
}

function replaceByMeans(model: DdclModel, roots: Roots, masses: ArrayLike<number> | undefined): Surgery {
  const members = new Map<number, number[]>();
  for (let k = 0; k < model.count; k++) {
    const root = roots.rootOf(k);
    members.set(root, [...(members.get(root) ?? []), k]);
  }
  const map = new Int32Array(model.count);
  const rows = [...members.values()].map((group, place) => {
    for (const k of group) map[k] = place;
    return meanOf(model, group, masses);
  });
  return { model: withPrototypes(model, rows), map };
}

function meanOf(model: DdclModel, group: readonly number[], masses: ArrayLike<number> | undefined): Float64Array {
  // The mean of one would be off by a rounding error.
  if (group.length === 1) return prototypeAt(model, group[0]!);
  const total = group.reduce((sum, k) => sum + (masses?.[k] ?? 1), 0);
  const mean = new Float64Array(model.dimension);
  for (const k of group) {
    const part = total > 0 ? (masses?.[k] ?? 1) / total : 1 / group.length;
    prototypeAt(model, k).forEach((value, axis) => (mean[axis]! += part * value));
  }
  return mean;
}

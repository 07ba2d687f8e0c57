import { DdclError } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';
import { prototypeAt, requireMasses, withPrototypes, type Surgery } from './with-prototypes.ts';

/**
 * The same prototypes in another order.
 *
 * @param order old numbers in their new order: a permutation of 0..K-1
 * @throws DdclError `argument` for anything else
 */
export function reorderPrototypes(model: DdclModel, order: ArrayLike<number>): Surgery {
  const { count } = model;
  const map = new Int32Array(count).fill(-1);
  const numbers = Array.from(order);
  numbers.forEach((k, place) => {
    if (map[k] === -1) map[k] = place;
  });
  if (numbers.length !== count || map.includes(-1)) {
    throw new DdclError(
      'argument',
      `An order of ${count} prototypes must hold each of 0 to ${count - 1} once, but [${numbers.slice(0, 20).join(', ')}${numbers.length > 20 ? ', ...' : ''}] came.`,
    );
  }
  return {
    model: withPrototypes(
      model,
      numbers.map((k) => prototypeAt(model, k)),
    ),
    map,
  };
}

/**
 * Largest share first; the lower number at a tie.
 *
 * @param shares mass per prototype, [K]: for example `measureSource`'s shares
 * @throws DdclError `shape` or `data` for shares that do not fit
 */
export function orderByShare(model: DdclModel, shares: ArrayLike<number>): Int32Array {
  requireMasses(model, shares, 'shares');
  return Int32Array.from({ length: model.count }, (_, k) => k).sort((a, b) => shares[b]! - shares[a]! || a - b);
}

/** Passes over all pairs of legs; a path of some hundred prototypes needs about ten. */
const mostPasses = 50;

/**
 * A short path through all prototypes, so that neighbours in the order are close: from the prototype farthest from their mean
 * always on to the nearest one left, then stretches are reversed as long as that shortens the path (2-opt, Croes 1958).
 * Not the shortest path. Deterministic; O(K^2 m) time and O(K^2) memory.
 */
export function orderBySimilarity(model: DdclModel): Int32Array {
  const { count } = model;
  const distances = pairDistances(model);
  const path = [farthestFromMean(model)];
  const left = new Set(Array.from({ length: count }, (_, k) => k));
  left.delete(path[0]!);
  while (left.size > 0) {
    const from = path.at(-1)!;
    let nearest = -1;
    for (const k of left)
      if (nearest < 0 || distances[from * count + k]! < distances[from * count + nearest]!) nearest = k;
    path.push(nearest);
    left.delete(nearest);
  }
  return shorten(Int32Array.from(path), distances);
}

function pairDistances({ count, dimension, prototypes }: DdclModel): Float64Array {
  const distances = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      let square = 0;
      for (let axis = 0; axis < dimension; axis++)
        square += (prototypes[i * dimension + axis]! - prototypes[j * dimension + axis]!) ** 2;
      distances[i * count + j] = distances[j * count + i] = Math.sqrt(square);
    }
  }
  return distances;
}

function farthestFromMean(model: DdclModel): number {
  const { count, dimension, prototypes } = model;
  const mean = new Float64Array(dimension);
  prototypes.forEach((value, index) => (mean[index % dimension]! += value / count));
  let farthest = 0;
  let most = -1;
  for (let k = 0; k < count; k++) {
    const square = prototypeAt(model, k).reduce((sum, value, axis) => sum + (value - mean[axis]!) ** 2, 0);
    if (square > most) [farthest, most] = [k, square];
  }
  return farthest;
}

/** Reverses stretches in place; the ends are free, so a stretch at an end changes one leg only. */
function shorten(path: Int32Array, distances: Float64Array): Int32Array {
  const count = path.length;
  const leg = (i: number, j: number): number => (i < 0 || j >= count ? 0 : distances[path[i]! * count + path[j]!]!);
  for (let pass = 0; pass < mostPasses; pass++) {
    let improved = false;
    for (let i = 0; i < count - 1; i++) {
      for (let j = i + 1; j < count; j++) {
        const before = leg(i - 1, i) + leg(j, j + 1);
        const after = (i > 0 ? leg(i - 1, j) : 0) + (j + 1 < count ? leg(i, j + 1) : 0);
        // A gain within rounding could be undone in the next pass, and so on.
        if (after >= before * (1 - 1e-12)) continue;
        path.subarray(i, j + 1).reverse();
        improved = true;
      }
    }
    if (!improved) break;
  }
  return path;
}

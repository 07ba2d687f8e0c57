import { DdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';
import { normalizeVectors } from '../numbers/normalize-vectors.ts';
import { squaredDistances, wardJoins } from './ward-linkage.ts';

export interface WardOptions {
  /** Whether each mean gets length 1; else it is the plain mean of its normalized tokens, as in PyLate. Default true. */
  readonly normalize?: boolean;
}

export interface WardPooled {
  /** One vector per cluster, `shape` [c, m] with c = min(count, tokens), in the order of the clusters' first tokens. */
  readonly data: Float32Array;
  readonly shape: readonly [number, number];
  /** Cluster of each token, [tokens]. */
  readonly clusters: Int32Array;
}

/**
 * Token pooling for late interaction: Ward clustering of the tokens of one document, each at length 1 first, and the
 * mean of each cluster (Clavié, Chaffin, Adams 2024, "Reducing the Footprint of Multi-Vector Retrieval with Minimal
 * Performance Impact via Token Pooling"). Distances are Euclidean: of vectors of length 1 they order pairs as
 * cosines do, and Ward's criterion is defined for them. (ColBERT's and PyLate's first implementations gave `1 - cosine` to
 * Ward; PyLate pull request 234 corrects it.) Time and memory grow with the square of the number of tokens.
 *
 * @param tokens [tokens, m], padding left out.
 * @param dimension m
 * @param count most vectors to return, >= 1.
 * @throws DdclError `argument` for another count; `shape` for numbers that are no rows of m; `data` for tokens that are not finite
 */
export function wardPool(
  tokens: Float32Array | Float64Array,
  dimension: number,
  count: number,
  { normalize = true }: WardOptions = {},
): WardPooled {
  if (!(Number.isSafeInteger(count) && count >= 1)) {
    throw new DdclError('argument', `A document keeps a whole number of vectors >= 1, but ${count} came.`);
  }
  requireFloats(tokens, 'Tokens');
  if (!(Number.isSafeInteger(dimension) && dimension >= 1 && tokens.length % dimension === 0)) {
    throw new DdclError(
      'shape',
      `Tokens are rows of m numbers, but ${tokens.length} numbers came with m = ${dimension}.`,
    );
  }
  const rows = tokens.length / dimension;
  const bad = tokens.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const token = Math.floor(bad / dimension);
    throw new DdclError('data', `Tokens must be finite, but token ${token} (counted from 0) has ${tokens[bad]}.`);
  }
  const points = Float64Array.from(tokens);
  normalizeVectors(points, dimension);
  const clusters = cut(points, rows, dimension, count);
  const kept = Math.min(count, rows);
  const means = new Float64Array(kept * dimension);
  const sizes = new Float64Array(kept);
  for (let row = 0; row < rows; row++) {
    const cluster = clusters[row]!;
    sizes[cluster]! += 1;
    for (let axis = 0; axis < dimension; axis++) means[cluster * dimension + axis]! += points[row * dimension + axis]!;
  }
  for (let place = 0; place < means.length; place++) means[place]! /= sizes[Math.floor(place / dimension)]!;
  if (normalize) normalizeVectors(means, dimension);
  return { data: Float32Array.from(means), shape: [kept, dimension], clusters };
}

/** Cluster of each point after all but `count - 1` joins; numbered by their first points. */
function cut(points: Float64Array, rows: number, dimension: number, count: number): Int32Array {
  const parents = Int32Array.from({ length: rows }, (_, row) => row);
  const rootOf = (row: number): number => {
    let node = row;
    while (parents[node] !== node) {
      parents[node] = parents[parents[node]!]!;
      node = parents[node]!;
    }
    return node;
  };
  if (count < rows) {
    const joins = wardJoins(squaredDistances(points, rows, dimension), rows);
    for (const { first, second } of joins.slice(0, rows - count)) {
      const [a, b] = [rootOf(first), rootOf(second)];
      parents[Math.max(a, b)] = Math.min(a, b);
    }
  }
  const numbers = new Map<number, number>();
  return parents.map((_, row) => {
    const root = rootOf(row);
    if (!numbers.has(root)) numbers.set(root, numbers.size);
    return numbers.get(root)!;
  });
}

import { DdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';

/**
 * - `sum` over the query's vectors, as in ColBERT
 * - `mean` over them: the same order of documents, but comparable between queries of different length
 */
export type MaxSimReduction = 'sum' | 'mean';

/**
 * Late interaction score `sum_i max_j <q_i, d_j>` (Khattab and Zaharia 2020, "ColBERT"); cosines where vectors have
 * length 1. 0 if the query or the document has no vector. For many of them, see {@link maxSimScores}.
 *
 * @param query [a, m]
 * @param document [b, m]
 * @param dimension m
 * @throws DdclError `shape` for numbers that are no rows of m, `dtype` unless they are float32 or float64
 */
export function maxSim(
  query: Float32Array | Float64Array,
  document: Float32Array | Float64Array,
  dimension: number,
  reduction: MaxSimReduction = 'sum',
): number {
  for (const [name, vectors] of [
    ['query', query],
    ['document', document],
  ] as const) {
    requireFloats(vectors, `The ${name}'s vectors`);
    if (!(Number.isSafeInteger(dimension) && dimension >= 1 && vectors.length % dimension === 0)) {
      throw new DdclError(
        'shape',
        `The ${name}'s vectors have m = ${dimension} numbers each, but there are ${vectors.length} numbers.`,
      );
    }
  }
  if (query.length === 0 || document.length === 0) return 0;
  let score = 0;
  for (let a = 0; a < query.length; a += dimension) {
    let best = -Infinity;
    for (let b = 0; b < document.length; b += dimension) {
      let product = 0;
      for (let axis = 0; axis < dimension; axis++) product += query[a + axis]! * document[b + axis]!;
      best = Math.max(best, product);
    }
    score += best;
  }
  return reduction === 'sum' ? score : score / (query.length / dimension);
}

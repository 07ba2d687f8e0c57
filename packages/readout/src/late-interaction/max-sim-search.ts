import { DdclError } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { maxSimScores, type MaxSimOptions } from './max-sim-scores.ts';
import type { VectorSets } from './vector-sets.ts';

/** The best documents of each query, best first; equal scores in the order of the documents. */
export interface MaxSimHits {
  /** [queries, k] with k = min(count, documents) */
  readonly shape: readonly [number, number];
  /** Indices of documents, [queries, k]. */
  readonly documents: Int32Array;
  /** Their scores, [queries, k]. */
  readonly scores: Float32Array;
}

/**
 * The `count` documents with the highest late interaction scores for each query, by scoring them all (see {@link maxSimScores}).
 *
 * @throws DdclError `argument` if count is not a whole number >= 1; else as {@link maxSimScores}
 */
export async function maxSimSearch(
  backend: Backend,
  queries: VectorSets,
  documents: VectorSets,
  count: number,
  options: MaxSimOptions = {},
): Promise<MaxSimHits> {
  if (!(Number.isSafeInteger(count) && count >= 1)) {
    throw new DdclError('argument', `A search returns a whole number of documents >= 1, but ${count} came.`);
  }
  const [asked, total] = [queries.offsets.length - 1, documents.offsets.length - 1];
  const kept = Math.min(count, total);
  const hits = new Int32Array(asked * kept);
  const best = new Float32Array(asked * kept);
  for await (const block of maxSimScores(backend, queries, documents, options)) {
    for (let row = 0; row < block.queries; row++) {
      const start = (block.start + row) * kept;
      largest(
        block.scores.subarray(row * total, (row + 1) * total),
        hits.subarray(start, start + kept),
        best.subarray(start, start + kept),
      );
    }
  }
  return { shape: [asked, kept], documents: hits, scores: best };
}

/** Fills in the largest values and where they are: by insertion, since few values get past the smallest one kept. */
function largest(values: Float32Array, indices: Int32Array, into: Float32Array): void {
  let filled = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (filled === into.length && !(value > into[filled - 1]!)) continue;
    let place = filled < into.length ? filled++ : filled - 1;
    for (; place > 0 && into[place - 1]! < value; place--) {
      into[place] = into[place - 1]!;
      indices[place] = indices[place - 1]!;
    }
    into[place] = value;
    indices[place] = index;
  }
}

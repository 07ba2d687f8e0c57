import { createRandom, type FloatDType } from '@ddcl/core';
import type { KeptDocument } from './sample-documents.ts';

/** Documents of a step, at most, and items of a level between the first and the last. */
const [mostDocuments, mostItems] = [64, 256];

/** Rows of a batch at each level. */
export type BatchRows = readonly number[];

/** One batch: its arrays are used again for the next. */
export interface JointBatch {
  /** [rows, m]. */
  readonly tokens: Float32Array | Float64Array;
  /** For each level 1 for its items, 0 for what fills up. */
  readonly weights: readonly (Float32Array | Float64Array)[];
  /** For each level but the last, the row of the next that each item belongs to. */
  readonly ids: readonly Int32Array[];
}

/** Rows that hold the longest document, and otherwise about 64 documents. */
export function batchRows(documents: readonly KeptDocument[], levels: number): BatchRows {
  return Array.from({ length: levels }, (_, level) => {
    const items = documents.map((document) => document.items[level]!);
    const longest = items.reduce((most, own) => Math.max(most, own), 1);
    const mean = items.reduce((sum, own) => sum + own, 0) / items.length;
    const usual = Math.ceil(1.25 * mostDocuments * mean);
    return Math.max(longest, level === 0 ? usual : Math.min(usual, mostItems));
  });
}

/** One epoch in random order, in batches of as many documents as there is room for. */
export function* jointBatches(
  documents: readonly KeptDocument[],
  rows: BatchRows,
  { dimension, dtype, seed }: { readonly dimension: number; readonly dtype: FloatDType; readonly seed: number },
): Generator<JointBatch> {
  const order = createRandom(seed).permutation(documents.length);
  const Numbers = dtype === 'float32' ? Float32Array : Float64Array;
  let next = 0;
  while (next < order.length) {
    const batch = {
      tokens: new Numbers(rows[0]! * dimension),
      weights: rows.map((size) => new Numbers(size)),
      ids: rows.slice(0, -1).map((size) => new Int32Array(size)),
    };
    const filled = rows.map(() => 0);
    let taken = 0;
    for (; next < order.length && taken < mostDocuments; next++, taken++) {
      const document = documents[order[next]!]!;
      if (document.items.some((own, level) => filled[level]! + own > rows[level]!)) break;
      batch.tokens.set(document.tokens, filled[0]! * dimension);
      document.items.forEach((own, level) => {
        batch.weights[level]!.fill(1, filled[level]!, filled[level]! + own);
        document.groups[level]?.forEach((group, item) => {
          batch.ids[level]![filled[level]! + item] = filled[level + 1]! + group;
        });
      });
      document.items.forEach((own, level) => (filled[level]! += own));
    }
    yield batch;
  }
}

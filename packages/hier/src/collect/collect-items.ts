import type { FloatDType } from '@ddcl/core';
import { createClimber } from '../climb/climber.ts';
import type { DocumentSource } from '../documents/document-source.ts';
import { readDocuments, type ReadOptions } from '../documents/read-documents.ts';
import { itemKey } from '../hash/hash.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import { createHashSample, sampleBytes } from '../sample/hash-sample.ts';
import type { ResolvedLevel } from '../spec/resolve.ts';

/** Items of a level, or a sample of them, in an order that their documents' tokens alone decide. */
export interface CollectedItems {
  /** [n, width], of the dtype that was asked for. */
  readonly rows: Float32Array | Float64Array;
  /** How many there are. */
  readonly items: number;
  /** Documents with tokens, and tokens. */
  readonly documents: number;
  readonly tokens: number;
  /** Documents without. */
  readonly empty: number;
}

/** Items that a level is fitted on, at most: its prototypes are means, which more would change in the third digit. */
const mostItems = (prototypes: number): number => Math.max(1 << 16, 512 * prototypes);

/**
 * One pass over the documents, of which what the levels that are fitted make of them is kept.
 *
 * @param isRaw the numbers that the last of these levels passes before they are projected
 * @param dtype of the rows; default `float32`
 */
export async function collectItems(
  source: DocumentSource,
  resolved: readonly ResolvedLevel[],
  fitted: readonly FittedLevel[],
  bytes: number,
  options: ReadOptions & { readonly isRaw?: boolean; readonly dtype?: FloatDType },
): Promise<CollectedItems> {
  const { isRaw = false, dtype = 'float32' } = options;
  const width = isRaw ? resolved[fitted.length - 1]!.up!.numbers : resolved[fitted.length]!.width;
  const prototypes = resolved[fitted.length]?.prototypes ?? 0;
  const most = Math.max(1, Math.min(mostItems(prototypes), Math.floor(bytes / sampleBytes(width, dtype))));
  const sample = createHashSample(width, most, dtype);
  const climber = createClimber(resolved, fitted, { isRaw });
  // Where a level's items are whole documents, those that would not be kept need not be computed.
  const onePerDocument = fitted.length > 0 && resolved[fitted.length - 1]!.up!.group === 'document';
  let [items, documents, tokens, empty] = [0, 0, 0, 0];
  for await (const block of readDocuments(source, options)) {
    for (const document of block) {
      if (document.length === 0) {
        empty += 1;
        continue;
      }
      documents += 1;
      tokens += document.length;
      if (onePerDocument) {
        items += 1;
        const key = itemKey(document.key, 0);
        if (sample.wants(key)) sample.add(key, climber.climb(document).rows, 0);
        continue;
      }
      const { rows, count } = climber.climb(document);
      items += count;
      for (let item = 0; item < count; item++) {
        const key = itemKey(document.key, item);
        if (sample.wants(key)) sample.add(key, rows, item * width);
      }
    }
  }
  return { rows: sample.take(), items, documents, tokens, empty };
}

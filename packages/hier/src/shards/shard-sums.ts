import type { DocumentSource } from '../documents/document-source.ts';
import { readDocuments, requireSameTokens, type ReadOptions } from '../documents/read-documents.ts';
import { modelHash, type HierarchyModel } from '../model/hierarchy-model.ts';
import { resolveSpec } from '../spec/resolve.ts';
import { createSumCollector, type LevelSums } from '../sums/level-sums.ts';

/** What one worker found of its share of the documents, for {@link mergeShards}. */
export interface ShardSums {
  /** Hash of the model that it was made with. */
  readonly parent: string;
  /** Of the documents, whatever their order: tells a share that comes twice. */
  readonly content: string;
  /** Documents with tokens. */
  readonly documents: number;
  readonly levels: readonly LevelSums[];
}

/**
 * The sums of one full-batch gradient step at fixed prototypes, `dL_q/dp_k = 2 ((sum_n w_nk) p_k - (W^T X)_k)` at every level (docs/math.md section 3),
 * exact once each document's are rounded to 2^-28 of its level's unit: shares of a corpus add up to the sums of the whole, bit for bit, in any order.
 *
 * @throws DdclError as `encodeDocuments`; `data` for a document too far out to be summed
 */
export async function shardSums(
  model: HierarchyModel,
  source: DocumentSource,
  options: ReadOptions = {},
): Promise<ShardSums> {
  requireSameTokens(model.spec, source);
  const sums = createSumCollector(resolveSpec(model.spec), model.levels);
  const content = createContent();
  for await (const documents of readDocuments(source, options)) {
    for (const document of documents) {
      if (document.length === 0) continue;
      sums.add(document);
      content.add(document.key);
    }
  }
  return {
    parent: modelHash(model),
    content: content.digest(),
    documents: content.documents,
    levels: sums.levels,
  };
}

/** Two sums of the documents' keys, modulo 2^32: of their upper and lower halves. */
function createContent(): { add(key: number): void; readonly documents: number; digest(): string } {
  let [high, low, documents] = [0, 0, 0];
  return {
    add(key) {
      documents += 1;
      high = (high + Math.floor(key / 2 ** 21)) % 2 ** 32;
      // The lower bits alone are 21: multiplied by an odd number they fill a word.
      low = (low + (Math.imul(key % 2 ** 32, 0x9e3779b1) >>> 0)) % 2 ** 32;
    },
    get documents() {
      return documents;
    },
    digest: () => [high, low].map((half) => half.toString(16).padStart(8, '0')).join(''),
  };
}

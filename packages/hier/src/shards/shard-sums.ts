import type { DocumentSource } from '../documents/document-source.ts';
import { readDocuments, requireSameTokens, type ReadOptions } from '../documents/read-documents.ts';
import { modelHash, type HierarchyModel } from '../model/hierarchy-model.ts';
import { createDocumentKeys } from './document-keys.ts';
import { requirePart, type ShardPart } from './parts.ts';
import { resolveSpec } from '../spec/resolve.ts';
import { createSumCollector, type LevelSums } from '../sums/level-sums.ts';

/** What one worker found of its share of the documents, for {@link mergeShards}. */
export interface ShardSums {
  /** Hash of the model that it was made with. */
  readonly parent: string;
  /** Of the documents, whatever their order: tells a share that comes twice. */
  readonly content: string;
  /** Keys of the documents, ascending: of the 4,096 with the smallest. Tell what several shards have in common. */
  readonly keys: Float64Array;
  /** Which part of the corpus it is, where that was said. */
  readonly part?: ShardPart | undefined;
  /** Documents with tokens. */
  readonly documents: number;
  readonly levels: readonly LevelSums[];
}

export interface ShardOptions extends ReadOptions {
  /** Which part of the corpus these documents are: a merge then names parts that are missing or come twice. */
  readonly part?: ShardPart;
}

/**
 * The sums of one full-batch gradient step at fixed prototypes, `dL_q/dp_k = 2 ((sum_n w_nk) p_k - (W^T X)_k)` at every level (docs/math.md section 3),
 * exact once each document's are rounded to 2^-28 of its level's unit: shares of a corpus add up to the sums of the whole, bit for bit, in any order.
 *
 * @throws DdclError as `encodeDocuments`; `data` for a document too far out to be summed; `argument` for a part that cannot be
 */
export async function shardSums(
  model: HierarchyModel,
  source: DocumentSource,
  { part, ...options }: ShardOptions = {},
): Promise<ShardSums> {
  if (part !== undefined) requirePart(part);
  requireSameTokens(model.spec, source);
  const sums = createSumCollector(resolveSpec(model.spec), model.levels);
  const content = createContent();
  const keys = createDocumentKeys();
  for await (const documents of readDocuments(source, options)) {
    for (const document of documents) {
      if (document.length === 0) continue;
      sums.add(document);
      content.add(document.key);
      keys.add(document.key);
    }
  }
  return {
    parent: modelHash(model),
    content: content.digest(),
    keys: keys.result(),
    ...(part !== undefined && { part }),
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

import { createClimber } from '../climb/climber.ts';
import type { DocumentSource } from '../documents/document-source.ts';
import { readDocuments, requireSameTokens, type ReadDocument, type ReadOptions } from '../documents/read-documents.ts';
import type { Assigner } from '../level/assigner.ts';
import type { HierarchyModel } from '../model/hierarchy-model.ts';
import { resolveSpec, type ResolvedLevel } from '../spec/resolve.ts';

/** One level of a document. */
export interface LevelCode {
  readonly name: string;
  /** Nearest prototype of each of its items, in their order. */
  readonly codes: Int32Array;
  /** Mean assignment of its items, [K]; zeros without items. */
  readonly occupancy: Float32Array;
}

/** What a hierarchy says of a document. */
export interface DocumentCode {
  readonly id: string;
  readonly tokens: number;
  /**
   * The prototype of the last level that it is nearest to, ties to the lowest; where the last level has several items of a document, the largest of their
   * mean assignment. -1 for a document without tokens, and for no other.
   */
  readonly topic: number;
  /** Assignments to the topics, [K], which sum to 1; zeros without tokens. */
  readonly q: Float32Array;
  /** Of q, in nats: 0 to log K. How undecided the document is. */
  readonly entropy: number;
  /** Euclidean distance of the document's vector to its topic's prototype, a mean over its items; how far out it is. NaN without tokens. */
  readonly distance: number;
  /** What the last level was given, [width]; a mean where there are several. */
  readonly vector: Float32Array;
  readonly levels: readonly LevelCode[];
}

/**
 * Topics of documents, block by block in their order. Each document is computed by itself in float64, so that its topic is the same bit for bit alone or
 * among others, today or after saving, and the one that the fit told.
 *
 * @throws DdclError `data` for documents of another encoder, tokens that are not finite or boundaries that do not fit; `shape` for tokens of another
 *   length; `aborted` when the signal fires
 */
export async function* encodeDocuments(
  model: HierarchyModel,
  source: DocumentSource,
  options: ReadOptions = {},
): AsyncGenerator<readonly DocumentCode[]> {
  requireSameTokens(model.spec, source);
  const levels = resolveSpec(model.spec);
  const climber = createClimber(levels, model.levels);
  for await (const documents of readDocuments(source, options)) {
    yield documents.map((document) => {
      const code = startCode(levels, document);
      const top = levels.length - 1;
      const { rows, count } = climber.climb(document, (level, assigner, _index, nearest) => {
        code.add(level, assigner, nearest);
        if (level === top) code.addTop(assigner, nearest);
      });
      return code.finish(rows, count);
    });
  }
}

/** A document's numbers while it climbs. */
interface OpenCode {
  add(level: number, assigner: Assigner, nearest: number): void;
  addTop(assigner: Assigner, nearest: number): void;
  finish(rows: Float32Array | Float64Array, count: number): DocumentCode;
}

function startCode(levels: readonly ResolvedLevel[], { id, length }: ReadDocument): OpenCode {
  const codes = levels.map((): number[] => []);
  const means = levels.map(({ prototypes }) => new Float64Array(prototypes));
  const { width, prototypes: topics } = levels.at(-1)!;
  let distance = 0;
  let only = -1;
  return {
    add(level, { q, count }, nearest) {
      codes[level]!.push(nearest);
      const mean = means[level]!;
      for (let k = 0; k < count; k++) mean[k]! += q[k]!;
    },
    addTop({ distances, frameScale }, nearest) {
      distance += Math.sqrt(distances[nearest]!) * frameScale;
      only = nearest;
    },
    finish(rows, count) {
      const vector = new Float64Array(width);
      for (let item = 0; item < count; item++)
        for (let axis = 0; axis < width; axis++) vector[axis]! += rows[item * width + axis]! / count;
      const each = codes.map((own, level) => ({
        name: levels[level]!.name,
        codes: Int32Array.from(own),
        occupancy: Float32Array.from(means[level]!, (mass) => (own.length === 0 ? 0 : mass / own.length)),
      }));
      const q = means.at(-1)!;
      let [topic, entropy] = [only, 0];
      for (let k = 0; k < topics; k++) {
        const share = count === 0 ? 0 : q[k]! / count;
        // Of one item it is the nearest, which rounding of q cannot tell from the next.
        if (count > 1 && (k === 0 || q[k]! > q[topic]!)) topic = k;
        if (share > 0) entropy -= share * Math.log(share);
      }
      return {
        id,
        tokens: length,
        topic,
        q: each.at(-1)!.occupancy,
        entropy: Math.max(0, entropy),
        distance: count === 0 ? NaN : distance / count,
        vector: Float32Array.from(vector),
        levels: each,
      };
    },
  };
}

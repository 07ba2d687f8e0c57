import { createRandom } from '@ddcl/core';
import { documentsFromArrays, type DocumentArrays, type DocumentSource } from '@ddcl/hier';

/** Documents whose tokens are drawn around a few points of their class, and their classes. */
export interface Corpus extends DocumentArrays {
  readonly lengths: Int32Array;
  readonly ids: readonly string[];
  readonly classes: Int32Array;
}

export interface CorpusOptions {
  readonly documents: number;
  readonly dimension?: number;
  /** Which classes there are. */
  readonly classes?: readonly number[];
  /** Tokens of a document: a third of this to this. */
  readonly tokens?: number;
  readonly noise?: number;
  readonly seed?: number;
}

/** Points of classes depend on the class alone, so that a later corpus can have the same ones. */
export function corpus({
  documents,
  dimension = 8,
  classes = [0, 1, 2, 3],
  tokens = 12,
  noise = 0.25,
  seed = 1,
}: CorpusOptions): Corpus {
  const random = createRandom(seed);
  const points = new Map(
    classes.map((own) => {
      const stream = createRandom(1000 + own);
      return [own, Float64Array.from({ length: 3 * dimension }, () => stream.normal())] as const;
    }),
  );
  const lengths = Int32Array.from({ length: documents }, () => tokens - random.integer(Math.ceil((2 * tokens) / 3)));
  const own = Int32Array.from({ length: documents }, () => classes[random.integer(classes.length)]!);
  const rows: number[] = [];
  lengths.forEach((length, document) => {
    const all = points.get(own[document]!)!;
    for (let token = 0; token < length; token++) {
      const from = random.integer(3) * dimension;
      for (let axis = 0; axis < dimension; axis++) rows.push(all[from + axis]! + noise * random.normal());
    }
  });
  const ids = Array.from({ length: documents }, (_, index) => `${seed}-${index}`);
  return { data: Float32Array.from(rows), dimension, lengths, ids, classes: own };
}

/** Some of its documents, in the order that is given. */
export function pick(all: Corpus, order: readonly number[] | Int32Array): Corpus {
  const { dimension, data } = all;
  const starts = [0];
  for (const length of all.lengths) starts.push(starts.at(-1)! + length * dimension);
  const parts = Array.from(order, (document) => data.subarray(starts[document], starts[document + 1]));
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return {
    data: joined,
    dimension,
    lengths: Int32Array.from(order, (document) => all.lengths[document]!),
    ids: Array.from(order, (document) => all.ids[document]!),
    classes: Int32Array.from(order, (document) => all.classes[document]!),
  };
}

export const sourceOf = ({ data, dimension, lengths, ids }: Corpus): DocumentSource =>
  documentsFromArrays({ data, dimension, lengths: lengths!, ids: ids! });

/** What a call throws, as code and text. */
export async function thrown(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
  return 'nothing was thrown';
}

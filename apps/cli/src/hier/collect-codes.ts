import type { DocumentCode, TopicDocument } from '@ddcl/hier';
import { dataError } from '../data/data-error.ts';
import type { TextDocument } from '../text/text-document.ts';

/** Codes of all documents in their order: K + width + 3 numbers each. */
export interface CollectedCodes {
  readonly count: number;
  readonly topics: Int32Array;
  /** [documents, width] */
  readonly vectors: Float32Array;
  readonly width: number;
  /** The documents with their texts, which are read anew each time. */
  documents(): AsyncGenerator<TopicDocument>;
}

/**
 * Keeps what a hierarchy says of documents, and puts their texts beside it.
 *
 * @param texts in the same order; may be read more than once
 * @throws DdclError `data` if there are more or fewer texts than codes
 */
export async function collectCodes(
  codes: AsyncIterable<readonly DocumentCode[]>,
  texts: () => AsyncIterable<TextDocument>,
): Promise<CollectedCodes> {
  const kept: Omit<DocumentCode, 'levels'>[] = [];
  for await (const block of codes)
    for (const { levels: _, q, vector, ...code } of block)
      kept.push({ ...code, q: Float32Array.from(q), vector: Float32Array.from(vector) });
  const width = kept[0]?.vector.length ?? 0;
  const vectors = new Float32Array(kept.length * width);
  kept.forEach(({ vector }, index) => vectors.set(vector, index * width));
  return {
    count: kept.length,
    topics: Int32Array.from(kept, ({ topic }) => topic),
    vectors,
    width,
    async *documents() {
      let index = 0;
      for await (const { id, text, time, place } of texts()) {
        const code = kept[index];
        if (code === undefined)
          throw dataError(place, `is document ${index + 1}, but only ${kept.length} have topics.`);
        // Vectors have no names.
        yield { ...code, id: id ?? code.id, text, time };
        index++;
      }
      if (index < kept.length)
        throw dataError('The corpus', `has ${index} documents, but ${kept.length} have topics. Give the same corpus.`);
    },
  };
}

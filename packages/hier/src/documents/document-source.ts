import type { EncoderIdentity } from '../spec/spec.ts';

/** Documents that lie together in memory. */
export interface DocumentBlock {
  /** A name for each. */
  readonly ids: readonly string[];
  /** Tokens of all, one document after the other, row-major: [tokens, m]. Not changed by the reader; may be a view. */
  readonly data: Float32Array | Float64Array;
  /** Tokens of each document, >= 0; a document that is one vector has one. */
  readonly lengths: Int32Array | readonly number[];
  /**
   * For each name of a level's `group`, and each document, the numbers of tokens of its groups, such as sentences: they sum to its length. Those of a
   * higher level must be made of whole ones of the level below. `document` needs none.
   */
  readonly groups?: Readonly<Record<string, readonly ArrayLike<number>[]>>;
}

/** Documents that can be passed over again and again, in any order: what is fitted does not depend on it. */
export interface DocumentSource {
  /** Length m of a token. */
  readonly dimension: number;
  /** How many, where that is known. */
  readonly documents?: number | undefined;
  /** What made the tokens; a fit takes it over, and a model refuses those of another. */
  readonly encoder?: EncoderIdentity | undefined;
  /** One pass. A block may be used until the next one is asked for. */
  blocks(): AsyncIterable<DocumentBlock>;
}

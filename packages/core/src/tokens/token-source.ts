/**
 * Token vectors that lie together in memory: `rows` vectors, row-major. Where the numbers
 * come from (a file, an encoder, a generator) is the caller's business.
 */
export interface TokenBlock {
  /** `rows * dimension` numbers. Not changed by the reader; may be a view. */
  readonly data: Float32Array | Float64Array;
  readonly rows: number;
  /** A weight >= 0 for each token; all 1 if left out. A token of weight 0 changes nothing. */
  readonly weights?: Float32Array | Float64Array;
}

/** Random access to the rows of a set of tokens, as a file with a fixed row size gives it. */
export interface TokenReader {
  /** Length m of a token vector. */
  readonly dimension: number;
  /** Number of tokens N. */
  readonly tokens: number;
  /** Rows `start` to `start + count - 1`. The block may be used until the next call only. */
  read(start: number, count: number): Promise<TokenBlock>;
}

/** The order in which one pass over the tokens is made. */
export type PassOrder = 'stored' | { readonly seed: number };

/** Tokens that can be passed over again and again, block by block. */
export interface TokenSource {
  readonly dimension: number;
  /** Number of tokens, where that is known before the first pass. */
  readonly tokens: number | undefined;
  /**
   * One pass. With a seed the tokens come shuffled, the same way for the same seed;
   * the blocks are of any size >= 1. A block may be used until the next one is asked for.
   */
  blocks(order: PassOrder): AsyncIterable<TokenBlock>;
}

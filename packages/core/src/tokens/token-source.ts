import { DdclError } from '../errors/ddcl-error.ts';

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

/** Token vectors in half precision, as files of token vectors keep them: half the memory of float32 on the way to a device. */
export interface HalfBlock {
  /** `rows * dimension` numbers as IEEE 754 binary16 bits. Not changed by the reader; may be a view. */
  readonly data: Uint16Array;
  readonly rows: number;
  /** As in a {@link TokenBlock}. */
  readonly weights?: Float32Array | Float64Array;
  /** Whether all its numbers are known to be finite; otherwise whoever takes the block looks. */
  readonly finite?: boolean;
}

/** Random access to the rows of a set of tokens, as a file with a fixed row size gives it. */
export interface TokenReader {
  /** Length m of a token vector. */
  readonly dimension: number;
  /** Number of tokens N. */
  readonly tokens: number;
  /** Rows `start` to `start + count - 1`. The block may be used until the next call only. */
  read(start: number, count: number): Promise<TokenBlock>;
  /**
   * Fills `target` with rows from `start` on as IEEE 754 binary16 bits, where that is how the tokens are kept and none has a weight:
   * `read` gives the same numbers. Calls may overlap, so that the next rows are read while a device works on the last ones.
   *
   * @param target whole rows, of which the last is a row of the tokens
   */
  readHalf?(start: number, target: Uint16Array): Promise<void>;
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
  /** The same tokens in the same order in half precision, where that is how they are kept. */
  halfBlocks?(order: PassOrder): AsyncIterable<HalfBlock>;
}

/** @throws DdclError `argument` for what is no source, such as a reader */
export function requireTokenSource(source: TokenSource): void {
  if (typeof source?.blocks === 'function') return;
  const isReader = typeof (source as Partial<TokenReader> | undefined)?.read === 'function';
  throw new DdclError(
    'argument',
    `Tokens come as a source, with \`blocks\`; ${isReader ? 'this is a reader: give tokensFromReader(reader)' : 'make one with tokensFromReader(tokensFromArray(...)) or tokensFromIterable(...)'}.`,
  );
}

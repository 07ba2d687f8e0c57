import { DdclError } from '../errors/ddcl-error.ts';
import { createRandom } from '../random/random.ts';
import { poolRows, shufflePools } from './shuffle-pool.ts';
import type { PassOrder, TokenBlock, TokenSource } from './token-source.ts';

export interface IterableTokens {
  /** Length m of a token vector. */
  readonly dimension: number;
  /** Number of tokens, if known. */
  readonly tokens?: number;
  /** Starts one pass; called once per pass, and each pass must give the same tokens. */
  open(): AsyncIterable<TokenBlock>;
}

/**
 * A stream that can be opened again and again, as a source. A shuffled pass shuffles within
 * pools of neighbours only: mix data that are sorted before streaming them, or use a reader.
 *
 * @throws DdclError `argument` for an iterable that is not reopened by a function, such as a bare generator
 */
export function tokensFromIterable({ dimension, tokens, open }: IterableTokens): TokenSource {
  if (typeof open !== 'function') {
    throw new DdclError(
      'argument',
      'A fit passes over the tokens several times: give a function that opens a new pass, open: () => AsyncIterable, not the iterable itself.',
    );
  }
  return {
    dimension,
    tokens,
    blocks(order: PassOrder) {
      if (order === 'stored') return open();
      return shufflePools(open(), dimension, poolRows(dimension), createRandom(order.seed));
    },
  };
}

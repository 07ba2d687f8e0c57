import { DdclError } from '@ddcl/core';
import {
  kindOf,
  tokensFromArray,
  tokensFromIterable,
  tokensFromReader,
  type TokenBlock,
  type TokenSource,
} from '@ddcl/core/fit';
import { collectTokens, type CollectOptions } from './collect-tokens.ts';
import { layoutOf } from './layout.ts';
import type { TokenBatch, TokenInput } from './token-batch.ts';

/** Batches of a corpus, one after the other. */
export type TokenBatches = Iterable<TokenBatch> | AsyncIterable<TokenBatch>;

/** What a fit takes. It passes over tokens again and again: a stream that comes once is collected first. */
export type FitInput = TokenBatch | TokenBatches | (() => TokenBatches);

/** Whether an input is one batch. */
export function isBatch(input: unknown): input is TokenBatch {
  return typeof input === 'object' && input !== null && 'data' in input && 'shape' in input;
}

/**
 * The batches of an input, checked to be of one hidden size and one dtype.
 *
 * @param own mask, segments and weights given beside the input, which only one batch may have
 * @throws DdclError `argument`, `shape` or `dtype`, naming the batch
 */
export async function* batchesOf(
  input: TokenInput,
  { mask, segments, weights }: Partial<Pick<TokenBatch, 'mask' | 'segments' | 'weights'>> = {},
): AsyncGenerator<TokenBatch> {
  const given = { ...(mask && { mask }), ...(segments && { segments }), ...(weights && { weights }) };
  if (isBatch(input)) {
    yield { ...input, ...given };
    return;
  }
  const extra = Object.keys(given)[0];
  if (extra !== undefined) {
    throw new DdclError('argument', `${extra} beside a stream belongs to no batch. Give each batch its own.`);
  }
  let first: TokenBatch | undefined;
  let index = 0;
  for await (const batch of input) {
    first ??= batch;
    if (batch.shape.at(-1) !== first.shape.at(-1)) {
      throw new DdclError(
        'shape',
        `Batch ${index} (counted from 0) has hidden size ${batch.shape.at(-1)}, but those before it ${first.shape.at(-1)}. One encoder gives one size.`,
      );
    }
    if (batch.data.constructor !== first.data.constructor) {
      throw new DdclError(
        'dtype',
        `Batch ${index} (counted from 0) is a ${batch.data.constructor.name}, but those before it ${first.data.constructor.name}. Give all tokens in one dtype.`,
      );
    }
    yield batch;
    index++;
  }
}

/** Batches as blocks of weighted tokens, sequences forgotten. */
export async function* tokenBlocks(batches: AsyncIterable<TokenBatch>): AsyncGenerator<TokenBlock> {
  for await (const batch of batches) {
    const block = toBlock(batch);
    if (block.rows > 0) yield block;
  }
}

/** @throws DdclError `shape` for tokens of another hidden size than the readout's */
export function requireDimension({ shape }: TokenBatch, dimension: number): void {
  if (shape.at(-1) === dimension) return;
  throw new DdclError(
    'shape',
    `The readout was fitted on tokens of hidden size ${dimension}, but these have ${shape.at(-1)}. Use the encoder that it was fitted on.`,
  );
}

/** All tokens of a batch; those that do not count have weight 0. */
function toBlock(batch: TokenBatch): TokenBlock {
  const layout = layoutOf(batch);
  const { data } = batch;
  if (layout.places.length === layout.tokens && batch.weights === undefined) return { data, rows: layout.tokens };
  const weights = new Float64Array(layout.tokens);
  for (const place of layout.places) weights[place] = layout.weightAt(place);
  return { data: withoutPadding(data, weights), rows: layout.tokens, weights };
}

/** Attention over nothing but padding leaves NaN there, which counts for nothing: zeros in its place. A copy only where that is needed. */
function withoutPadding<Data extends TokenBatch['data']>(data: Data, weights: Float64Array): Data {
  const dimension = data.length / weights.length;
  let clean: Data | undefined;
  weights.forEach((weight, token) => {
    const [from, to] = [token * dimension, (token + 1) * dimension];
    if (weight > 0 || data.subarray(from, to).every(Number.isFinite)) return;
    clean ??= data.slice() as Data;
    clean.fill(0, from, to);
  });
  return clean ?? data;
}

/**
 * Tokens for a fit.
 *
 * @param collect for a stream that comes once
 * @throws DdclError `argument` for what is none of it, `data` for no batch at all; as {@link collectTokens}
 */
export async function tokenSource(input: FitInput, collect?: CollectOptions): Promise<TokenSource> {
  if (isBatch(input)) {
    const { data, weights } = toBlock(input);
    return tokensFromReader(tokensFromArray(data, input.shape.at(-1)!, weights));
  }
  const isStream =
    (typeof input === 'object' && input !== null && (Symbol.asyncIterator in input || Symbol.iterator in input)) ||
    typeof input === 'function';
  if (!isStream) {
    throw new DdclError(
      'argument',
      `Tokens are a batch { data, shape }, a list or a stream of batches, or a function that opens a stream, but came as a ${kindOf(input)}.`,
    );
  }
  const isOnce =
    typeof input !== 'function' &&
    (Symbol.asyncIterator in input || (input as Iterable<TokenBatch>)[Symbol.iterator]() === (input as unknown));
  if (isOnce) return collectTokens(batchesOf(input), collect);
  const open = (): TokenBatches => (typeof input === 'function' ? input() : input);
  for await (const { shape } of open()) {
    return tokensFromIterable({ dimension: shape.at(-1)!, open: () => tokenBlocks(batchesOf(open())) });
  }
  throw new DdclError('data', 'There is no batch of tokens to fit. Give at least one.');
}

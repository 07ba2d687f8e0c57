import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import type { Backend, Executable } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { allocate, bytesPerElement, type FloatDType, type TypedArray } from '../program/dtype.ts';
import type { Random } from '../random/random.ts';
import { fromFloat16 } from '../numbers/float16.ts';
import { mapRows, type DeviceBlock } from '../tokens/device-blocks.ts';
import type { TokenDType, TokenFeed } from '../tokens/token-feed.ts';
import { passProgram } from './pass-program.ts';
import { freeBlock, uploadBlock, type PlacedBlock } from './placed-block.ts';
import { traceTokenProgram } from './token-program.ts';
import type { TokenPass } from './token-pass.ts';

/** Tokens that stay on the device until `dispose`; its passes go over them as they lie there. */
export interface ResidentTokens extends TokenPass {
  /** In blocks of `rows` tokens, of which the last may have fewer. */
  readonly blocks: readonly PlacedBlock[];
  /** Vectors of tokens by their numbers in the pass, which ascend: [tokens, m], in the frame. */
  vectorsOf(tokens: readonly number[]): Promise<Float32Array | Float64Array>;
  /** Numbers per token that a program made in a pass, in the order in which the tokens are stored. */
  inStoredOrder<Values extends TypedArray>(perToken: Values): Values;
}

export interface ResidentOptions {
  readonly tokens: number;
  readonly dimension: number;
  /** Tokens of a block. */
  readonly rows: number;
  /** In which programs compute. */
  readonly dtype: FloatDType;
  /** Tokens lie in an order that it draws, so that each block is a random sample of them. Default: in stored order. */
  readonly random?: Random | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

/** Bytes that tokens take on the device; their weights included. */
export function residentBytes(tokens: number, dimension: number, tokenDtype: TokenDType, dtype: FloatDType): number {
  return tokens * (dimension * bytesPerElement(tokenDtype) + bytesPerElement(dtype));
}

/**
 * Reads all tokens of a feed once and leaves them on the device.
 *
 * @throws DdclError `data` for tokens that cannot be used or are not as many as told; `aborted` when the signal fires; whatever the
 *   backend throws: the device then holds what it held before
 */
export async function residentTokens(
  backend: Backend,
  feed: TokenFeed,
  { tokens, dimension, rows, dtype, random, signal }: ResidentOptions,
): Promise<ResidentTokens> {
  const order = random?.permutation(tokens);
  const blocks: PlacedBlock[] = [];
  const frame = feed.uploadFrame();
  try {
    for await (const block of order === undefined
      ? feed.blocks('stored', rows)
      : shuffled(feed, order, dimension, rows, dtype, signal)) {
      throwIfAborted(signal);
      const about = { first: blocks.length * rows, rows: block.rows, weight: block.weight };
      blocks.push({
        ...uploadBlock(backend, block, dtype),
        ...about,
        tokenWeights: block.weights.slice(0, block.rows),
      });
    }
    const found = blocks.reduce((total, block) => total + block.rows, 0);
    if (found !== tokens) throw otherTokens(found < tokens ? 'fewer' : 'more', tokens);
  } catch (error) {
    for (const buffer of frame) backend.free(buffer);
    for (const block of blocks) freeBlock(backend, block);
    throw error;
  }
  const executables: Executable[] = [];
  const sizes = { rows, dimension, dtype, tokenDtype: feed.dtype };
  async function* open(): AsyncGenerator<PlacedBlock> {
    yield* blocks;
  }
  return {
    rows,
    frame: feed.frame,
    blocks,
    inStoredOrder(perToken) {
      if (order === undefined) return perToken;
      const stored = perToken.slice() as typeof perToken;
      order.forEach((token, place) => (stored[token] = perToken[place]!));
      return stored;
    },
    async vectorsOf(places) {
      const vectors = allocate(dtype, places.length * dimension) as Float32Array | Float64Array;
      const { offset, scale } = feed.frame;
      let next = 0;
      for (const { first, rows: own, tokens: buffer } of blocks) {
        if (next === places.length || places[next]! >= first + own) continue;
        const data = await backend.download(buffer);
        for (; next < places.length && places[next]! < first + own; next++) {
          const from = (places[next]! - first) * dimension;
          const row = data.subarray(from, from + dimension);
          if (row instanceof Uint16Array) mapRows(fromFloat16(row), 0, vectors, next * dimension, 1, offset, 1 / scale);
          else vectors.set(row, next * dimension);
        }
      }
      return vectors;
    },
    async compile(program) {
      const traced = traceTokenProgram(program, sizes);
      const executable = await backend.compile(traced.program);
      executables.push(executable);
      return passProgram(backend, executable, traced.sums, { size: rows, keeps: true, frame, open });
    },
    dispose() {
      for (const executable of executables.splice(0)) executable.dispose();
      for (const buffer of frame.splice(0)) backend.free(buffer);
      for (const block of blocks.splice(0)) freeBlock(backend, block);
    },
  };
}

/** All tokens in another order: they are read as they are stored and put in their places. */
async function* shuffled(
  feed: TokenFeed,
  order: Int32Array,
  dimension: number,
  rows: number,
  dtype: FloatDType,
  signal: AbortSignalLike | undefined,
): AsyncGenerator<DeviceBlock> {
  const tokens = order.length;
  const places = new Int32Array(tokens);
  order.forEach((token, place) => (places[token] = place));
  const staged = Array.from({ length: Math.ceil(tokens / rows) }, (_, index) => ({
    data: (feed.dtype === 'float16'
      ? new Uint16Array(rows * dimension)
      : allocate(dtype, rows * dimension)) as DeviceBlock['data'],
    weights: allocate(dtype, rows) as DeviceBlock['weights'],
    rows: Math.min(rows, tokens - index * rows),
  }));
  let first = 0;
  for await (const block of feed.blocks('stored', rows)) {
    throwIfAborted(signal);
    if (first + block.rows > tokens) throw otherTokens('more', tokens);
    for (let row = 0; row < block.rows; row++) {
      const place = places[first + row]!;
      const { data, weights } = staged[Math.floor(place / rows)]!;
      const at = place % rows;
      data.set(block.data.subarray(row * dimension, (row + 1) * dimension), at * dimension);
      weights[at] = block.weights[row]!;
    }
    first += block.rows;
  }
  if (first !== tokens) throw otherTokens('fewer', tokens);
  for (let block = staged.shift(); block !== undefined; block = staged.shift()) {
    let weight = 0;
    for (const own of block.weights) weight += own;
    yield { ...block, weight };
  }
}

/** What is wrong with a source whose later pass gives other than the `told` tokens of its first. */
export function otherTokens(which: 'fewer' | 'more', told: number): DdclError {
  return new DdclError(
    'data',
    `A pass over the tokens gave ${which} than the ${told} of the first one. Each pass must give the same tokens.`,
  );
}

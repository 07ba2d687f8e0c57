import { DdclError } from '@ddcl/core';
import { tokensFromReader, type TokenBlock, type TokenSource } from '@ddcl/core/fit';
import { describeFloat16Loss, float16Loss, fromFloat16, toFloat16 } from '@ddcl/core/safetensors';
import { layoutOf } from './layout.ts';
import type { TokenBatch } from './token-batch.ts';

/** Where tokens go that memory has no room for: a file, or anything else with bytes at places. */
export interface TokenSpool {
  /** Keeps all `bytes`, from byte `position` on; positions only grow. */
  write(bytes: Uint8Array, position: number): Promise<unknown>;
  /** Fills `into` with the bytes from `position` on. */
  read(into: Uint8Array, position: number): Promise<unknown>;
}

/** How the tokens of a stream that comes once are kept until its fit is over. */
export interface CollectOptions {
  /** `float16` takes half the memory of float32 and rounds to 11 bits. Default: as they come. */
  readonly dtype?: 'float16';
  /** Bytes that they may take in memory. Default 1 GiB. */
  readonly memory?: number;
  /** Takes what lies beyond. Without it, that is an error. */
  readonly spool?: TokenSpool;
}

type Rows = Float32Array | Float64Array | Uint16Array;

/** Bytes of a chunk, about. */
const chunkBytes = 4 << 20;

const bytesOf = (rows: Rows): Uint8Array => new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);

const halfLoss = (value: number, index: number): DdclError =>
  new DdclError('data', `Batch ${index} (counted from 0): ${describeFloat16Loss(value)}. Leave collect.dtype out.`);

/** Tokens that count, without padding, in chunks of equal size of which the first are in memory and the others in the spool. */
class TokenStore {
  readonly #options: CollectOptions;
  readonly #make: (rows: number) => Rows;
  readonly #rowsPerChunk: number;
  readonly #most: number;
  readonly #kept: Rows[] = [];
  readonly dimension: number;
  /** Of the tokens up to the last batch with weights. */
  readonly #weights: number[] = [];
  #isWeighted = false;
  #current: Rows;
  #used = 0;
  #spooled = 0;
  /** Of the batch at hand, where it is halved: a number of tokens that half precision would lose, and whether others are within its reach. */
  #lost: number | undefined;
  #reached = false;
  tokens = 0;

  constructor(dimension: number, first: TokenBatch['data'], options: CollectOptions) {
    const { dtype, memory = 2 ** 30 } = options;
    const make = dtype === 'float16' ? Uint16Array : first instanceof Float64Array ? Float64Array : Float32Array;
    this.#options = options;
    this.dimension = dimension;
    this.#make = (rows) => new make(rows * dimension);
    const rowBytes = dimension * make.BYTES_PER_ELEMENT;
    this.#rowsPerChunk = Math.max(1, Math.floor(Math.min(chunkBytes, memory) / rowBytes));
    this.#most = Math.floor(memory / (this.#rowsPerChunk * rowBytes));
    this.#current = this.#make(this.#rowsPerChunk);
  }

  /** @param index number of the batch, for messages */
  async add(batch: TokenBatch, index: number): Promise<void> {
    const layout = layoutOf(batch);
    const { dimension } = this;
    this.#isWeighted ||= layout.isWeighted;
    [this.#lost, this.#reached] = [undefined, false];
    for (let sequence = 0; sequence < layout.sequences; sequence++) {
      // In the order of the places: what lies together goes together.
      for (let at = layout.offsets[sequence]!; at < layout.offsets[sequence + 1]!;) {
        const place = layout.places[at]!;
        const room = Math.min(this.#rowsPerChunk - this.#used, layout.offsets[sequence + 1]! - at);
        let rows = 1;
        while (rows < room && layout.places[at + rows] === place + rows) rows++;
        this.#put(batch.data.subarray(place * dimension, (place + rows) * dimension), index);
        if (this.#isWeighted) {
          while (this.#weights.length < this.tokens) this.#weights.push(1);
          for (let row = 0; row < rows; row++) this.#weights.push(layout.weightAt(place + row));
        }
        at += rows;
        this.#used += rows;
        this.tokens += rows;
        if (this.#used === this.#rowsPerChunk) await this.#flush();
      }
    }
    // A token near 0 among larger ones is off by as little as they are.
    if (this.#lost !== undefined && !this.#reached) throw halfLoss(this.#lost, index);
  }

  #put(rows: TokenBatch['data'], index: number): void {
    const target = this.#current.subarray(this.#used * this.dimension, this.#used * this.dimension + rows.length);
    if (!(target instanceof Uint16Array)) {
      target.set(rows);
      return;
    }
    const place = float16Loss(rows);
    const lost = rows[place];
    if (lost !== undefined && Math.abs(lost) > 1) throw halfLoss(lost, index);
    this.#lost ??= lost;
    this.#reached ||= lost === undefined && rows.some((value) => value !== 0);
    toFloat16(rows, target);
  }

  async #flush(): Promise<void> {
    const { spool, memory = 2 ** 30 } = this.#options;
    if (this.#kept.length < this.#most) {
      this.#kept.push(this.#current);
      this.#current = this.#make(this.#rowsPerChunk);
    } else if (spool === undefined) {
      throw new DdclError(
        'limit',
        `The ${this.tokens.toLocaleString('en')} tokens so far take more than the ${memory.toLocaleString('en')} bytes of collect.memory. Allow more, halve them with collect.dtype 'float16', give a collect.spool, or a function that opens the stream anew for each pass.`,
      );
    } else {
      await spool.write(bytesOf(this.#current), this.#spooled * this.#current.byteLength);
      this.#spooled++;
    }
    this.#used = 0;
  }

  /** Rows from `start` on; `into` is filled. */
  async #fill(start: number, into: Rows): Promise<void> {
    const { dimension } = this;
    const per = this.#rowsPerChunk;
    const count = into.length / dimension;
    for (let row = 0; row < count;) {
      const chunk = Math.floor((start + row) / per);
      const first = (start + row) % per;
      const rows = Math.min(count - row, per - first);
      const target = into.subarray(row * dimension, (row + rows) * dimension);
      const held = chunk < this.#kept.length + this.#spooled ? this.#kept[chunk] : this.#current;
      if (held !== undefined) target.set(held.subarray(first * dimension, (first + rows) * dimension));
      else {
        const position = (chunk - this.#kept.length) * this.#current.byteLength;
        await this.#options.spool!.read(bytesOf(target), position + first * dimension * target.BYTES_PER_ELEMENT);
      }
      row += rows;
    }
  }

  source(): TokenSource {
    const { dimension, tokens } = this;
    const weights = this.#isWeighted
      ? Float64Array.from({ length: tokens }, (_, token) => this.#weights[token] ?? 1)
      : undefined;
    const isHalf = this.#current instanceof Uint16Array;
    const read = async (start: number, count: number): Promise<TokenBlock> => {
      const rows = this.#make(count);
      await this.#fill(start, rows);
      const data = rows instanceof Uint16Array ? fromFloat16(rows) : rows;
      return weights === undefined
        ? { data, rows: count }
        : { data, rows: count, weights: weights.subarray(start, start + count) };
    };
    if (!isHalf || weights !== undefined) return tokensFromReader({ dimension, tokens, read });
    return tokensFromReader({ dimension, tokens, read, readHalf: (start, target) => this.#fill(start, target) });
  }
}

/**
 * Tokens of a stream that can be read once, kept for the many passes of a fit: those that count, without padding.
 *
 * @param batches of one hidden size and one dtype
 * @throws DdclError `limit` for more than `memory` without a spool; `data` for no batch, and for numbers that half precision would lose;
 *   `argument` for options out of range; as the stream and {@link layoutOf} do
 */
export async function collectTokens(
  batches: AsyncIterable<TokenBatch>,
  options: CollectOptions = {},
): Promise<TokenSource> {
  const { dtype, memory = 2 ** 30 } = options;
  if (dtype !== undefined && dtype !== 'float16')
    throw new DdclError('argument', `collect.dtype must be 'float16' or left out, but is '${String(dtype)}'.`);
  if (!(memory >= 0)) throw new DdclError('argument', `collect.memory must be bytes >= 0, but is ${memory}.`);
  let store: TokenStore | undefined;
  let index = 0;
  for await (const batch of batches) {
    store ??= new TokenStore(batch.shape.at(-1)!, batch.data, options);
    await store.add(batch, index);
    index++;
  }
  if (store === undefined) throw new DdclError('data', 'There is no batch of tokens to fit. Give at least one.');
  return store.source();
}

import { DdclError, type FloatDType } from '@ddcl/core';
import { requireFloats, type TokenFrame } from '@ddcl/core/fit';
import type { PaddedBatch } from '../sequences/padded-batch.ts';
import type { SequenceReader } from '../sequences/sequence-reader.ts';
import type { DocumentGroup } from './length-buckets.ts';

type Numbers = Float32Array | Float64Array;

/**
 * Reads documents into padded batches whose tokens are in a frame: `(z - offset) / scale`. The arrays are used again: a batch is
 * valid until the next one.
 */
export class DocumentBatches {
  readonly #reader: SequenceReader;
  readonly #frame: TokenFrame;
  readonly #dtype: FloatDType;
  readonly #arrays = new Map<number, { tokens: Numbers; weights: Numbers; used: Int32Array }>();
  /** Rows of every batch. */
  readonly rows: number;

  constructor(reader: SequenceReader, frame: TokenFrame, dtype: FloatDType, rows: number) {
    this.#reader = reader;
    this.#frame = frame;
    this.#dtype = dtype;
    this.rows = rows;
  }

  /** @throws DdclError `shape` for a block that is not as long as the reader said; `data` for numbers that are not finite */
  async read({ length, documents }: DocumentGroup): Promise<PaddedBatch> {
    const { dimension } = this.#reader;
    const { tokens, weights, used } = this.#arraysOf(length);
    const sequences = new Int32Array(this.rows).fill(-1);
    weights.fill(0);
    for (let row = 0; row < this.rows; row++) {
      const document = documents[row];
      const count = document === undefined ? 0 : this.#reader.lengths[document]!;
      const first = row * length * dimension;
      if (document !== undefined) {
        sequences[row] = document;
        await this.#copy(document, count, tokens, first, weights, row * length);
      }
      // Beyond what the row held before there are zeros already.
      if (used[row]! > count) tokens.fill(0, first + count * dimension, first + used[row]! * dimension);
      used[row] = count;
    }
    return { tokens, weights, rows: this.rows, length, sequences };
  }

  async #copy(
    document: number,
    count: number,
    tokens: Numbers,
    first: number,
    weights: Numbers,
    at: number,
  ): Promise<void> {
    const { dimension } = this.#reader;
    const { offset, scale } = this.#frame;
    if (count === 0) return;
    const { data, rows, weights: own } = await this.#reader.read(document);
    requireFloats(data, `Tokens of document ${document} (counted from 0)`);
    if (rows !== count || data.length !== count * dimension || (own !== undefined && own.length !== count)) {
      throw new DdclError(
        'shape',
        `Document ${document} (counted from 0) should be ${count} tokens of dimension ${dimension}, but came as ${rows} tokens, ${data.length} numbers and ${own?.length ?? 'no'} weights.`,
      );
    }
    const inverse = 1 / scale;
    // x - x is 0 for finite numbers only.
    let check = 0;
    for (let token = 0; token < count; token++) {
      const weight = own === undefined ? 1 : own[token]!;
      if (!(weight >= 0 && weight < Infinity)) {
        throw new DdclError(
          'data',
          `Token ${token} of document ${document} (both counted from 0) has the weight ${weight}; weights are finite and >= 0.`,
        );
      }
      weights[at + token] = weight;
      const from = token * dimension;
      const to = first + from;
      if (weight === 0) {
        // It may hold anything, and 0 times an infinity is NaN.
        tokens.fill(0, to, to + dimension);
        continue;
      }
      for (let axis = 0; axis < dimension; axis++) {
        const value = (data[from + axis]! - offset[axis]!) * inverse;
        tokens[to + axis] = value;
        check += value - value;
      }
    }
    if (check !== 0) {
      throw new DdclError(
        'data',
        `The tokens of document ${document} (counted from 0) hold a number that is not finite. Look at the encoder's output for it.`,
      );
    }
  }

  #arraysOf(length: number): { tokens: Numbers; weights: Numbers; used: Int32Array } {
    const known = this.#arrays.get(length);
    if (known !== undefined) return known;
    const make = (size: number): Numbers =>
      this.#dtype === 'float32' ? new Float32Array(size) : new Float64Array(size);
    const made = {
      tokens: make(this.rows * length * this.#reader.dimension),
      weights: make(this.rows * length),
      used: new Int32Array(this.rows),
    };
    this.#arrays.set(length, made);
    return made;
  }
}

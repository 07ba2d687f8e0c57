import type { FloatDType } from '@ddcl/core';
import type { SequenceLayout } from './layout.ts';
import type { PaddedBatch } from './padded-batch.ts';
import type { RowPlan } from './plan-rows.ts';

const make = (dtype: FloatDType, length: number): Float32Array | Float64Array =>
  dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);

/** Arrays for padded batches, used again for the next one. */
export class PaddingArrays {
  readonly #dtype: FloatDType;
  #tokens: Float32Array | Float64Array = new Float32Array(0);

  constructor(dtype: FloatDType) {
    this.#dtype = dtype;
  }

  /**
   * Copies the tokens of a plan's pieces side by side. The result is valid until the next call.
   *
   * @param data the batch's numbers, [layout.tokens, m]
   */
  pad(data: Float32Array | Float64Array, layout: SequenceLayout, plan: RowPlan): PaddedBatch {
    const { rows, length, pieces } = plan;
    const { dimension, places } = layout;
    const inPlace = this.#alreadyPadded(data, layout, plan);
    if (inPlace !== undefined) {
      const weights = make(this.#dtype, rows * length).fill(1);
      return { tokens: inPlace, weights, rows, length, sequences: Int32Array.from(pieces, ({ sequence }) => sequence) };
    }
    const size = rows * length * dimension;
    if (this.#tokens.length < size) this.#tokens = make(this.#dtype, size);
    const tokens = this.#tokens.subarray(0, size);
    const weights = make(this.#dtype, rows * length);
    const sequences = new Int32Array(rows).fill(-1);
    pieces.forEach(({ sequence, start, count }, row) => {
      sequences[row] = sequence;
      const first = row * length;
      for (let index = 0; index < count;) {
        // Tokens that lie together are copied together.
        const place = places[start + index]!;
        let run = 1;
        while (index + run < count && places[start + index + run] === place + run) run++;
        tokens.set(data.subarray(place * dimension, (place + run) * dimension), (first + index) * dimension);
        for (let step = 0; step < run; step++) weights[first + index + step] = layout.weightAt(place + step);
        index += run;
      }
      tokens.fill(0, (first + count) * dimension, (first + length) * dimension);
    });
    tokens.fill(0, pieces.length * length * dimension);
    return { tokens, weights, rows, length, sequences };
  }

  /** The tokens of a plan where they lie, if they lie as the plan wants them: whole rows, one after another, of weight 1. */
  #alreadyPadded(
    data: Float32Array | Float64Array,
    { dimension, places, isWeighted }: SequenceLayout,
    { rows, length, pieces }: RowPlan,
  ): Float32Array | Float64Array | undefined {
    const isRight = this.#dtype === 'float32' ? data instanceof Float32Array : data instanceof Float64Array;
    if (!isRight || isWeighted || pieces.length !== rows) return undefined;
    const first = places[pieces[0]!.start]!;
    const isTogether = pieces.every(
      ({ start, count }, row) =>
        count === length &&
        places[start] === first + row * length &&
        places[start + count - 1] === first + (row + 1) * length - 1,
    );
    return isTogether ? data.subarray(first * dimension, (first + rows * length) * dimension) : undefined;
  }
}

import type { DdclModel } from '@ddcl/core/fit';
import type { SequenceLayout } from '../sequences/layout.ts';
import type { PaddedBatch } from '../sequences/padded-batch.ts';

/** Which sums over a sequence's tokens are collected. */
export interface SumsWanted {
  readonly occupancy: boolean;
  readonly pooled: boolean;
  readonly sums: boolean;
}

type Numbers = Float32Array | Float64Array;

/**
 * Collects the rows of padded runs as means per sequence: a sequence in several pieces gets the mean of their rows,
 * weighted by their tokens.
 */
export class SequenceSums {
  /** `sum a_n` of each sequence, [S]. */
  readonly weights: Float64Array;
  /** Of each sequence, [S, K]; empty if not wanted. */
  readonly occupancy: Numbers;
  /** [S, m]; empty if not wanted. */
  readonly pooled: Numbers;
  /** `sum_n a_n q_nk x_n`, [S, K, m], of tokens less the offset where framed; empty if not wanted. */
  readonly sums: Numbers;
  readonly #model: DdclModel;

  constructor(model: DdclModel, layout: SequenceLayout, wanted: SumsWanted) {
    const { count, dimension, dtype } = model;
    const make = (isWanted: boolean, width: number): Numbers => {
      const length = isWanted ? layout.sequences * width : 0;
      return dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
    };
    this.#model = model;
    this.weights = new Float64Array(layout.sequences);
    for (let sequence = 0; sequence < layout.sequences; sequence++) {
      for (let index = layout.offsets[sequence]!; index < layout.offsets[sequence + 1]!; index++)
        this.weights[sequence]! += layout.weightAt(layout.places[index]!);
    }
    this.occupancy = make(wanted.occupancy, count);
    this.pooled = make(wanted.pooled, dimension);
    this.sums = make(wanted.sums, count * dimension);
  }

  /** Adds the rows of one run; results that are not wanted may be undefined. */
  add(
    { rows, length, sequences, weights }: PaddedBatch,
    occupancy: Numbers | undefined,
    pooled: Numbers | undefined,
    sums: Numbers | undefined,
  ): void {
    const { count, dimension } = this.#model;
    for (let row = 0; row < rows; row++) {
      const sequence = sequences[row]!;
      if (sequence < 0) continue;
      let weight = 0;
      for (let index = row * length; index < (row + 1) * length; index++) weight += weights[index]!;
      const share = weight / this.weights[sequence]!;
      if (occupancy !== undefined) addRow(this.occupancy, occupancy, sequence, row, count, share);
      if (pooled !== undefined) addRow(this.pooled, pooled, sequence, row, dimension, share);
      if (sums !== undefined) addRow(this.sums, sums, sequence, row, count * dimension, 1);
    }
  }
}

function addRow(total: Numbers, rows: Numbers, sequence: number, row: number, width: number, share: number): void {
  const to = sequence * width;
  const from = row * width;
  // Nearly all sequences are one row.
  if (share === 1) for (let index = 0; index < width; index++) total[to + index]! += rows[from + index]!;
  else for (let index = 0; index < width; index++) total[to + index]! += share * rows[from + index]!;
}

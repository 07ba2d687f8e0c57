import { SegmentAccumulator, type DdclModel } from '@ddcl/core/fit';
import type { PaddedBatch } from '../sequences/padded-batch.ts';

/** Sums of sequences that come in several parts. */
export class LongSequences {
  /** Their numbers in the batch; in `sums` they are numbered from 0 in this order. */
  readonly sequences: number[] = [];
  readonly sums: SegmentAccumulator;
  readonly #places = new Map<number, number>();

  constructor({ count, dimension }: DdclModel, withSums: boolean) {
    this.sums = new SegmentAccumulator(count, withSums ? count * dimension : 0);
  }

  add(
    { rows, length, sequences, weights }: PaddedBatch,
    mass: ArrayLike<number>,
    sums: ArrayLike<number> | undefined,
  ): void {
    for (let row = 0; row < rows; row++) {
      const sequence = sequences[row]!;
      if (sequence < 0) continue;
      let place = this.#places.get(sequence);
      if (place === undefined) {
        place = this.sequences.push(sequence) - 1;
        this.#places.set(sequence, place);
      }
      for (let index = row * length; index < (row + 1) * length; index++) this.sums.addWeight(place, weights[index]!);
      this.sums.addSums(place, row, mass, sums);
    }
  }
}

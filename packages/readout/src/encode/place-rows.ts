import { DdclError } from '@ddcl/core';
import type { SegmentAccumulator } from '@ddcl/core/fit';
import type { SequenceLayout } from '../sequences/layout.ts';
import type { PaddedBatch } from '../sequences/padded-batch.ts';
import type { RowPlan } from '../sequences/plan-rows.ts';
import type { RunResult } from './encode-program.ts';

/** What a run returns. */
export type Numbers = Float32Array | Float64Array | Int32Array;

/** Adds rows of a run to the sums of the sequences that they are parts of, and these to those that come in parts. */
export function addParts(
  { rows, length, sequences, weights }: PaddedBatch,
  made: ReadonlyMap<RunResult, Numbers>,
  parts: SegmentAccumulator,
  long: Set<number>,
): void {
  for (let row = 0; row < rows; row++) {
    const sequence = sequences[row]!;
    if (sequence < 0) continue;
    long.add(sequence);
    for (let index = row * length; index < (row + 1) * length; index++) parts.addWeight(sequence, weights[index]!);
    parts.addSums(sequence, row, made.get('mass')!, made.get('sums'));
  }
}

/** Puts rows where their sequences stand; -1 stands for none. */
export function setRows(
  rows: ArrayLike<number> & Pick<Numbers, 'subarray'>,
  into: Numbers,
  sequences: ArrayLike<number>,
): void {
  const width = rows.length / sequences.length;
  for (let row = 0; row < sequences.length; row++) {
    if (sequences[row]! >= 0) into.set(rows.subarray(row * width, (row + 1) * width), sequences[row]! * width);
  }
}

/** Puts rows of a run where their tokens stand in the batch; tokens that do not count stay zeros. */
export function scatter(
  rows: Numbers,
  into: Numbers,
  { places, tokens }: SequenceLayout,
  { pieces, length }: RowPlan,
): void {
  const width = into.length / tokens;
  pieces.forEach(({ start, count }, row) => {
    for (let index = 0; index < count; index++) {
      const from = (row * length + index) * width;
      into.set(rows.subarray(from, from + width), places[start + index]! * width);
    }
  });
}

/** One number per row tells: a NaN or an infinity among the tokens reaches all assignments of its row. */
export function requireFinite(
  made: ReadonlyMap<RunResult, Numbers>,
  { rows, length, sequences }: PaddedBatch,
  results: readonly RunResult[],
): void {
  const first = results[0]!;
  const numbers = made.get(first)!;
  const width = numbers.length / rows;
  const perToken = first === 'outputs' || first === 'assignments';
  for (let row = 0; row < rows; row++) {
    if (sequences[row]! < 0) continue;
    for (let index = 0; index < width; index += perToken ? width / length : 1) {
      const value = numbers[row * width + index]!;
      if (value - value === 0) continue;
      throw new DdclError(
        'data',
        `The tokens of sequence ${sequences[row]} (counted from 0) hold a number that is not finite. Look at the encoder's output for it.`,
      );
    }
  }
}

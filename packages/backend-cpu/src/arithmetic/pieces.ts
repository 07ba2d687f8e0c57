import { allocate, isPieces, type DType, type Pieces, type TypedArray } from '@ddcl/core/backend';

/**
 * Work between two pauses of a kernel, in multiply-adds of a product: 2 ms with SIMD, 8 ms without, several times that on an old machine.
 * Other work is counted in these too, by what it takes without SIMD.
 */
export let pieceWork: number = 2 ** 22;

/** Cuts all work as small as this, for tests of what is cut. */
export function setPieceWork(work: number): void {
  pieceWork = work;
}

/** What it takes to copy a number in a loop, in multiply-adds. */
export const copyWork: number = 4;

/** Work on the numbers from 0 to `length`, in ranges that suit. */
export interface Ranges {
  readonly length: number;
  /** What each number takes, in multiply-adds. */
  readonly work: number;
  visit(from: number, to: number): void;
}

/** Does all of it: at once where that is short, else with a pause after each range. */
export function inPieces<Result>(ranges: Ranges, result: Result): Result | Pieces<Result> {
  if (ranges.length * ranges.work > pieceWork) return inRanges(ranges, result);
  ranges.visit(0, ranges.length);
  return result;
}

/** Does all of it with a pause after each range. */
export function inRanges(ranges: Ranges): Pieces<undefined>;
export function inRanges<Result>(ranges: Ranges, result: Result): Pieces<Result>;
export function* inRanges<Result>(ranges: Ranges, result?: Result): Pieces<Result | undefined> {
  const { length, work } = ranges;
  const most = Math.max(1, Math.floor(pieceWork / work));
  for (let from = 0; from < length; from += most) {
    ranges.visit(from, Math.min(length, from + most));
    yield;
  }
  return result;
}

/** What was done at once, or goes on in pieces. */
export function* done<Result>(work: Result | Pieces<Result>): Pieces<Result> {
  return isPieces(work) ? yield* work : (work as Result);
}

/** Counts work that is done without pauses, until one is due. */
export class Pace {
  #done = 0;

  /** @param work in multiply-adds */
  add(work: number): void {
    this.#done += work;
  }

  isDue(): boolean {
    if (this.#done < pieceWork) return false;
    this.#done = 0;
    return true;
  }
}

/** The same numbers in another dtype. An Int32Array truncates floats towards zero, and keeps the low 32 bits of whole numbers up to 2^53. */
export function castInPieces(values: ArrayLike<number>, dtype: DType): TypedArray | Pieces<TypedArray> {
  const result = allocate(dtype, values.length);
  const visit = (from: number, to: number): void => {
    for (let index = from; index < to; index++) result[index] = values[index]!;
  };
  return inPieces({ length: values.length, work: copyWork, visit }, result);
}

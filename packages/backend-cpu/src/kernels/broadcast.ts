import { elementCount, stridesOf, type Pieces } from '@ddcl/core/backend';
import { inPieces, type Ranges } from '../arithmetic/pieces.ts';

/** Strides of an operand read along the axes of a broadcast result: 0 where it is stretched. */
export function broadcastStrides(shape: readonly number[], result: readonly number[]): number[] {
  const own = stridesOf(shape);
  const extra = result.length - shape.length;
  return result.map((_, axis) => (axis < extra || shape[axis - extra] === 1 ? 0 : own[axis - extra]!));
}

/** (first result position, elements from there on along the last axis, operand positions, operand steps). */
export type VisitRow = (start: number, length: number, positions: readonly number[], steps: readonly number[]) => void;

/**
 * Calls `visit` for each element of a shape, row-major, with the element's position in each of several operands.
 * The inner loop runs along the last axis, so that the bookkeeping of the other axes is paid once per row; a pause may cut a row in two.
 *
 * @param strides one list per operand, as {@link broadcastStrides} gives
 * @param work what an element takes, in multiply-adds
 */
export function forEachRow<Result>(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  work: number,
  result: Result,
  visit: VisitRow,
): Result | Pieces<Result> {
  const ranges: Ranges = {
    length: elementCount(shape),
    work: work + rowWork / (shape.at(-1) ?? 1),
    visit: (from, to) => visitRows(shape, strides, from, to, visit),
  };
  return inPieces(ranges, result);
}

/** What it takes to go from row to row, in multiply-adds. */
const rowWork = 32;

/** The elements from number `from` to `to`. */
function visitRows(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  from: number,
  to: number,
  visit: VisitRow,
): void {
  const rank = shape.length;
  const length = shape.at(-1) ?? 1;
  const steps = strides.map((own) => own.at(-1) ?? 0);
  const index = new Array<number>(Math.max(0, rank - 1)).fill(0);
  let left = Math.floor(from / length);
  for (let axis = rank - 2; axis >= 0 && left > 0; axis--) {
    index[axis] = left % shape[axis]!;
    left = Math.floor(left / shape[axis]!);
  }
  const positions = strides.map((own) => index.reduce((total, at, axis) => total + at * own[axis]!, 0));
  for (let first = from - (from % length); first < to; first += length) {
    const skipped = Math.max(0, from - first);
    if (skipped === 0) visit(first, Math.min(length, to - first), positions, steps);
    else {
      const later = positions.map((position, operand) => position + skipped * steps[operand]!);
      visit(from, Math.min(length, to - first) - skipped, later, steps);
    }
    for (let axis = rank - 2; axis >= 0; axis--) {
      index[axis]!++;
      for (let operand = 0; operand < strides.length; operand++) positions[operand]! += strides[operand]![axis]!;
      if (index[axis]! < shape[axis]!) break;
      for (let operand = 0; operand < strides.length; operand++)
        positions[operand]! -= strides[operand]![axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

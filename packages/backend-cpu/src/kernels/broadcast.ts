import { elementCount, stridesOf } from '@ddcl/core/backend';

/** Strides of an operand read along the axes of a broadcast result: 0 where it is stretched. */
export function broadcastStrides(shape: readonly number[], result: readonly number[]): number[] {
  const own = stridesOf(shape);
  const extra = result.length - shape.length;
  return result.map((_, axis) => (axis < extra || shape[axis - extra] === 1 ? 0 : own[axis - extra]!));
}

/**
 * Calls `visit` for each element of a shape, row-major, with the element's position in each of several operands.
 * The inner loop runs along the last axis, so that the bookkeeping of the other axes is paid once per row.
 *
 * @param strides one list per operand, as {@link broadcastStrides} gives
 * @param visit (first result position, length of the row, operand positions, operand steps)
 */
export function forEachRow(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (start: number, length: number, positions: readonly number[], steps: readonly number[]) => void,
): void {
  const rank = shape.length;
  const length = rank === 0 ? 1 : shape[rank - 1]!;
  const rows = elementCount(shape.slice(0, Math.max(0, rank - 1)));
  const steps = strides.map((own) => (rank === 0 ? 0 : own[rank - 1]!));
  const index = new Array<number>(Math.max(0, rank - 1)).fill(0);
  const positions = strides.map(() => 0);
  for (let row = 0; row < rows; row++) {
    visit(row * length, length, positions, steps);
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

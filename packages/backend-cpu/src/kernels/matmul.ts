import { allocate, elementCount, type KernelTable, type TypedArray } from '@ddcl/core/backend';
import { broadcastStrides, forEachRow } from './broadcast.ts';

/** Columns of the second matrix that are worked on together: their packed panel stays in the cache. */
const panelColumns = 64;

/**
 * A matrix copied so that the summed axis is contiguous: [count, inner]. Doubles, so that sums are rounded once.
 *
 * @param into where to put it, if its first `count * inner` numbers may be overwritten
 */
export function pack(
  data: TypedArray,
  start: number,
  count: number,
  inner: number,
  innerLast: boolean,
  into: Float64Array = new Float64Array(count * inner),
): Float64Array {
  if (innerLast) {
    for (let index = 0; index < count * inner; index++) into[index] = data[start + index]!;
    return into;
  }
  for (let step = 0; step < inner; step++) {
    const row = start + step * count;
    for (let index = 0; index < count; index++) into[index * inner + step] = data[row + index]!;
  }
  return into;
}

/** C = A B^T for packed A [rows, inner] and B [columns, inner], four by four results at a time in registers. */
export function multiplyPacked(
  a: Float64Array,
  b: Float64Array,
  result: TypedArray,
  start: number,
  rows: number,
  columns: number,
  inner: number,
): void {
  for (let panel = 0; panel < columns; panel += panelColumns) {
    const panelEnd = Math.min(columns, panel + panelColumns);
    let row = 0;
    for (; row + 3 < rows; row += 4) {
      let column = panel;
      for (; column + 3 < panelEnd; column += 4) tile(a, b, result, start, row, column, columns, inner);
      for (; column < panelEnd; column++) {
        for (let r = row; r < row + 4; r++)
          result[start + r * columns + column] = dot(a, r * inner, b, column * inner, inner);
      }
    }
    for (; row < rows; row++) {
      for (let column = panel; column < panelEnd; column++) {
        result[start + row * columns + column] = dot(a, row * inner, b, column * inner, inner);
      }
    }
  }
}

function dot(a: Float64Array, fromA: number, b: Float64Array, fromB: number, inner: number): number {
  let total = 0;
  for (let step = 0; step < inner; step++) total += a[fromA + step]! * b[fromB + step]!;
  return total;
}

/** Sixteen dot products at once: each loaded number is used four times. */
function tile(
  a: Float64Array,
  b: Float64Array,
  result: TypedArray,
  start: number,
  row: number,
  column: number,
  columns: number,
  inner: number,
): void {
  // One statement each: destructuring would build an array per tile.
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  const a0 = row * inner;
  const a1 = a0 + inner;
  const a2 = a1 + inner;
  const a3 = a2 + inner;
  const b0 = column * inner;
  const b1 = b0 + inner;
  const b2 = b1 + inner;
  const b3 = b2 + inner;
  for (let step = 0; step < inner; step++) {
    const x0 = a[a0 + step]!;
    const x1 = a[a1 + step]!;
    const x2 = a[a2 + step]!;
    const x3 = a[a3 + step]!;
    const y0 = b[b0 + step]!;
    const y1 = b[b1 + step]!;
    const y2 = b[b2 + step]!;
    const y3 = b[b3 + step]!;
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
    s23 += x2 * y3;
    s30 += x3 * y0;
    s31 += x3 * y1;
    s32 += x3 * y2;
    s33 += x3 * y3;
  }
  const first = start + row * columns + column;
  const second = first + columns;
  const third = second + columns;
  const fourth = third + columns;
  result[first] = s00;
  result[first + 1] = s01;
  result[first + 2] = s02;
  result[first + 3] = s03;
  result[second] = s10;
  result[second + 1] = s11;
  result[second + 2] = s12;
  result[second + 3] = s13;
  result[third] = s20;
  result[third + 1] = s21;
  result[third + 2] = s22;
  result[third + 3] = s23;
  result[fourth] = s30;
  result[fourth + 1] = s31;
  result[fourth + 2] = s32;
  result[fourth + 3] = s33;
}

/** Batched matrix products; leading axes broadcast. */
export const matmulKernels: Pick<KernelTable<TypedArray>, 'matmul'> = {
  matmul: ([a, b], { attributes: { transposeA, transposeB }, inputTypes: [typeA, typeB], outputType }) => {
    const { shape, dtype } = outputType;
    const rank = shape.length;
    const [rows, columns] = [shape[rank - 2]!, shape[rank - 1]!];
    const innerAxis = typeA!.shape.length - (transposeA ? 2 : 1);
    const inner = typeA!.shape[innerAxis]!;
    const result = allocate(dtype, elementCount(shape));
    const batch = shape.slice(0, -2);
    const strides = [typeA!, typeB!].map((type) =>
      broadcastStrides(type.shape.slice(0, -2), batch).map(
        (stride) => stride * type.shape.at(-1)! * type.shape.at(-2)!,
      ),
    );
    const packs = new Map<number, Float64Array>();
    let batchIndex = 0;
    forEachRow(batch, strides, (_start, length, [fromA, fromB], [stepA, stepB]) => {
      for (let index = 0; index < length; index++) {
        const startB = fromB! + index * stepB!;
        // A second operand that is broadcast is packed once.
        let packedB = packs.get(startB);
        if (packedB === undefined) {
          packs.clear();
          packedB = pack(b!, startB, columns, inner, transposeB);
          packs.set(startB, packedB);
        }
        const packedA = pack(a!, fromA! + index * stepA!, rows, inner, !transposeA);
        multiplyPacked(packedA, packedB, result, batchIndex++ * rows * columns, rows, columns, inner);
      }
    });
    return result;
  },
};

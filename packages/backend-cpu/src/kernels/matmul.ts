import { allocate, elementCount, type KernelTable, type TypedArray } from '@ddcl/core/backend';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { packInPieces, padded } from '../arithmetic/panels.ts';
import { copyWork, inRanges, Pace, pieceWork } from '../arithmetic/pieces.ts';
import { multiplied } from '../arithmetic/product-ranges.ts';
import { broadcastStrides } from './broadcast.ts';

/** Rows of the first matrix that are worked on together, and how many numbers of the result at most. */
const chunkRows = 64;
const chunkNumbers = 2 ** 20;

/** Batched matrix products in double precision; leading axes broadcast. */
export const matmulKernels = (arithmetic: Arithmetic): Pick<KernelTable<TypedArray>, 'matmul'> => ({
  matmul: ([a, b], { attributes: { transposeA, transposeB }, inputTypes: [typeA, typeB], outputType }) =>
    arithmetic(function* (scratch) {
      const { shape, dtype } = outputType;
      const rank = shape.length;
      const [rows, columns] = [shape[rank - 2]!, shape[rank - 1]!];
      const inner = typeA!.shape[typeA!.shape.length - (transposeA ? 2 : 1)]!;
      const result = allocate(dtype, elementCount(shape));
      const batch = shape.slice(0, -2);
      const [batchA, batchB] = [typeA!, typeB!].map((type) =>
        broadcastStrides(type.shape.slice(0, -2), batch).map(
          (stride) => stride * type.shape.at(-1)! * type.shape.at(-2)!,
        ),
      );
      const [row, column] = transposeB ? [1, inner] : [columns, 1];
      const width = padded(columns);
      const most = Math.min(
        padded(rows),
        chunkRows,
        Math.max(4, padded(Math.floor(chunkNumbers / width))),
        Math.max(4, 4 * Math.floor(pieceWork / inner / 16)),
      );
      const blocks = { a: scratch.take(most * inner), b: scratch.take(inner * width), c: scratch.take(most * width) };
      // Transposed it stays as it is: rows lie side by side.
      const placeA = transposeA ? { rowA: 1, stepA: most } : { rowA: inner, stepA: 1 };
      const [left, panels, product] = [blocks.a.data, blocks.b.data, blocks.c.data];
      const pace = new Pace();
      let packed = -1;
      let made = 0;
      const read = (startA: number, start: number, some: number): void => {
        if (!transposeA) {
          left.set(a!.subarray(startA + start * inner, startA + (start + some) * inner));
          return;
        }
        for (let step = 0; step < inner; step++) {
          const from = startA + step * rows + start;
          for (let index = 0; index < some; index++) left[step * most + index] = a![from + index]!;
        }
      };
      const write = (some: number): void => {
        for (let index = 0; index < some; index++) {
          const first = index * width;
          for (let place = first; place < first + columns; place++) result[made++] = product[place]!;
        }
      };
      const matrices = elementCount(batch);
      for (let matrix = 0; matrix < matrices; matrix++) {
        const [startA, startB] = [placeOf(matrix, batch, batchA!), placeOf(matrix, batch, batchB!)];
        // A second operand that is broadcast is packed once.
        if (packed !== startB) {
          const place = { start: startB, columns, column, row };
          const packing = packInPieces(b!, place, inner, panels);
          if (packing !== undefined) yield* packing;
          pace.add(copyWork * inner * width);
          packed = startB;
        }
        for (let start = 0; start < rows; start += most) {
          const some = Math.min(most, rows - start);
          read(startA, start, some);
          const product = { ...blocks, ...placeA, rows: some, columns: width, inner };
          const rest = multiplied(scratch, product, pace);
          if (rest !== undefined) yield* inRanges(rest);
          write(some);
          pace.add(copyWork * some * (inner + width));
          if (pace.isDue()) yield;
        }
      }
      return result;
    }),
});

/** Where the matrix of this number begins. */
function placeOf(matrix: number, batch: readonly number[], strides: readonly number[]): number {
  let place = 0;
  let left = matrix;
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    place += (left % batch[axis]!) * strides[axis]!;
    left = Math.floor(left / batch[axis]!);
  }
  return place;
}

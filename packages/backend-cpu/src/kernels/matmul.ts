import { allocate, elementCount, type KernelTable, type TypedArray } from '@ddcl/core/backend';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { packPanels, padded } from '../arithmetic/panels.ts';
import { broadcastStrides, forEachRow } from './broadcast.ts';

/** Rows of the first matrix that are worked on together, and how many numbers of the result at most. */
const chunkRows = 64;
const chunkNumbers = 2 ** 20;

/** Batched matrix products in double precision; leading axes broadcast. */
export const matmulKernels = (arithmetic: Arithmetic): Pick<KernelTable<TypedArray>, 'matmul'> => ({
  matmul: ([a, b], { attributes: { transposeA, transposeB }, inputTypes: [typeA, typeB], outputType }) =>
    arithmetic((scratch) => {
      const { shape, dtype } = outputType;
      const rank = shape.length;
      const [rows, columns] = [shape[rank - 2]!, shape[rank - 1]!];
      const inner = typeA!.shape[typeA!.shape.length - (transposeA ? 2 : 1)]!;
      const result = allocate(dtype, elementCount(shape));
      const batch = shape.slice(0, -2);
      const strides = [typeA!, typeB!].map((type) =>
        broadcastStrides(type.shape.slice(0, -2), batch).map(
          (stride) => stride * type.shape.at(-1)! * type.shape.at(-2)!,
        ),
      );
      const [row, column] = transposeB ? [1, inner] : [columns, 1];
      const width = padded(columns);
      const most = Math.min(padded(rows), chunkRows, Math.max(4, padded(Math.floor(chunkNumbers / width))));
      const blocks = { a: scratch.take(most * inner), b: scratch.take(inner * width), c: scratch.take(most * width) };
      // Transposed it stays as it is: rows lie side by side.
      const placeA = transposeA ? { rowA: 1, stepA: most } : { rowA: inner, stepA: 1 };
      const [left, panels, product] = [blocks.a.data, blocks.b.data, blocks.c.data];
      let packed = -1;
      let made = 0;
      const multiply = (startA: number, startB: number): void => {
        // A second operand that is broadcast is packed once.
        if (packed !== startB) packPanels(b!, { start: startB, columns, column, row }, inner, panels);
        packed = startB;
        for (let start = 0; start < rows; start += most) {
          const some = Math.min(most, rows - start);
          if (transposeA) {
            for (let step = 0; step < inner; step++) {
              const from = startA + step * rows + start;
              for (let index = 0; index < some; index++) left[step * most + index] = a![from + index]!;
            }
          } else left.set(a!.subarray(startA + start * inner, startA + (start + some) * inner));
          scratch.multiply({ ...blocks, ...placeA, rows: some, columns: width, inner });
          for (let index = 0; index < some; index++) {
            const first = index * width;
            for (let place = first; place < first + columns; place++) result[made++] = product[place]!;
          }
        }
      };
      forEachRow(batch, strides, (_start, length, [fromA, fromB], [moveA, moveB]) => {
        for (let index = 0; index < length; index++) multiply(fromA! + index * moveA!, fromB! + index * moveB!);
      });
      return result;
    }),
});

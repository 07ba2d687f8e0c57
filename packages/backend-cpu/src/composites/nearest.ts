import type { CompositeKernel, TypedArray } from '@ddcl/core/backend';
import { multiplyPacked, pack } from '../kernels/matmul.ts';
import { chunkRows, rowSquares, storeAll } from './token-chunks.ts';

/** Prototypes that are compared with a chunk of tokens at once. */
const tileColumns = 256;

/**
 * `ddcl.nearest/1` {k} (tokens, prototypes): the k smallest distances of each token so far, in order, over tiles of prototypes. Distances
 * are those of the token pass, so that both say the same.
 */
export const nearest: CompositeKernel<TypedArray> = ([tokens, prototypes], call) => {
  const [count, dimension] = call.inputTypes[1]!.shape as [number, number];
  const [total, k] = call.outputTypes[0]!.shape as [number, number];
  const p = Float64Array.from(prototypes!);
  const lengths = rowSquares(p, count, dimension);
  const indices = new Int32Array(total * k);
  const distances = new Float64Array(total * k).fill(Infinity);
  const packed = new Float64Array(chunkRows * dimension);
  const squares = new Float64Array(chunkRows);
  const inner = new Float64Array(chunkRows * Math.min(count, tileColumns));
  for (let start = 0; start < total; start += chunkRows) {
    const rows = Math.min(chunkRows, total - start);
    pack(tokens!, start * dimension, rows, dimension, true, packed);
    rowSquares(packed, rows, dimension, squares);
    for (let tile = 0; tile < count; tile += tileColumns) {
      const columns = Math.min(tileColumns, count - tile);
      multiplyPacked(packed, p.subarray(tile * dimension), inner, 0, rows, columns, dimension);
      for (let row = 0; row < rows; row++) {
        const first = (start + row) * k;
        const last = first + k - 1;
        for (let column = 0; column < columns; column++) {
          const distance = Math.max(0, squares[row]! - 2 * inner[row * columns + column]! + lengths[tile + column]!);
          // Not below an equal one: ties stay with the lower index, which came first.
          if (distance >= distances[last]!) continue;
          let place = last;
          for (; place > first && distances[place - 1]! > distance; place--) {
            distances[place] = distances[place - 1]!;
            indices[place] = indices[place - 1]!;
          }
          distances[place] = distance;
          indices[place] = tile + column;
        }
      }
    }
  }
  return storeAll([indices, distances], call);
};

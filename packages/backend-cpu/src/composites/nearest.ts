import type { CompositeInPieces, TypedArray } from '@ddcl/core/backend';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { padded } from '../arithmetic/panels.ts';
import { done, inRanges, Pace } from '../arithmetic/pieces.ts';
import { multiplied } from '../arithmetic/product-ranges.ts';
import { chunkRowsFor, readRows, rowSquares, squaresInPieces, storeAll, takeKeys } from './token-chunks.ts';

/** Prototypes that are compared with a chunk of tokens at once. */
const tileColumns = 256;

/** What it takes to look at a distance, in multiply-adds. */
const compareWork = 4;

/**
 * `ddcl.nearest/1` {k} (tokens, prototypes): the k smallest distances of each token so far, in order, over tiles of prototypes. Distances
 * are those of the token pass, so that both say the same.
 */
export const nearest =
  (arithmetic: Arithmetic): CompositeInPieces<TypedArray> =>
  ([tokens, prototypes], call) =>
    arithmetic(function* (scratch) {
      const [count, dimension] = call.inputTypes[1]!.shape as [number, number];
      const [total, k] = call.outputTypes[0]!.shape as [number, number];
      const lengths = yield* done(squaresInPieces(new Float64Array(prototypes!), count, dimension));
      const indices = new Int32Array(total * k);
      const distances = new Float64Array(total * k).fill(Infinity);
      const stride = padded(dimension);
      const pace = new Pace();
      const chunkRows = chunkRowsFor(tileColumns, dimension);
      const squares = new Float64Array(chunkRows);
      const keys = yield* takeKeys(scratch, prototypes!, count, dimension);
      const a = scratch.take(chunkRows * stride);
      const c = scratch.take(chunkRows * Math.min(padded(count), tileColumns));
      const inner = c.data;
      const keep = (start: number, rows: number, tile: number, found: number): void => {
        const columns = padded(found);
        for (let row = 0; row < rows; row++) {
          const first = (start + row) * k;
          const last = first + k - 1;
          for (let column = 0; column < found; column++) {
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
      };
      for (let start = 0; start < total; start += chunkRows) {
        const rows = Math.min(chunkRows, total - start);
        readRows(tokens!, start, rows, dimension, a.data);
        rowSquares(a.data, rows, stride, squares);
        for (let tile = 0; tile < count; tile += tileColumns) {
          const found = Math.min(tileColumns, count - tile);
          const columns = padded(found);
          const b = { b: keys, startB: tile * dimension };
          const product = { a, rowA: stride, stepA: 1, ...b, c, rows, columns, inner: dimension };
          const rest = multiplied(scratch, product, pace);
          if (rest !== undefined) yield* inRanges(rest);
          keep(start, rows, tile, found);
          pace.add(compareWork * rows * found);
          if (pace.isDue()) yield;
        }
      }
      return yield* storeAll([indices, distances], call);
    });

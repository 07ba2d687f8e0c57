import { DdclError, type CompositeInPieces, type TypedArray } from '@ddcl/core/backend';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { pieceWork } from '../arithmetic/pieces.ts';
import { ddclData, forEachChunk, storeAll, type ChunkStep, type TokenChunk } from './token-chunks.ts';

/** `ddcl.segmentSums/1` {segments} (tokens, weights, prototypes, temperature, ids): token by token, without spreading assignments over segments. */
export const segmentSums =
  (arithmetic: Arithmetic): CompositeInPieces<TypedArray> =>
  ([tokens, weights, prototypes, temperature, ids], call) =>
    arithmetic(function* (scratch) {
      const operands = { tokens: tokens!, prototypes: prototypes!, temperature: temperature! };
      const data = yield* ddclData(scratch, operands, call.inputTypes[2]!);
      const { pace, count, dimension, width, stride, chunkRows } = data;
      const segments = call.outputTypes[0]!.shape[0]!;
      const mass = new Float64Array(segments * count);
      const sums = call.needed[1] ? new Float64Array(segments * count * dimension) : undefined;
      const add = ({ start, tokens: { data: z }, q: { data: q } }: TokenChunk, row: number): void => {
        const id = ids![start + row]!;
        if (!(id >= 0 && id < segments)) {
          throw new DdclError('argument', `ddcl.segmentSums/1 got the id ${id}, which is outside 0..${segments - 1}.`, {
            op: 'ddcl.segmentSums/1',
          });
        }
        for (let k = 0; k < count; k++) {
          const share = weights![start + row]! * q[row * width + k]!;
          mass[id * count + k]! += share;
          if (sums === undefined) continue;
          const target = (id * count + k) * dimension;
          for (let axis = 0; axis < dimension; axis++) sums[target + axis]! += share * z[row * stride + axis]!;
        }
      };
      const work = count * (sums === undefined ? 2 : dimension + 2);
      const addAll: ChunkStep = (chunk) => ({
        length: chunk.rows,
        work,
        visit(from, to) {
          for (let row = from; row < to; row++) add(chunk, row);
        },
      });
      const addShort: ChunkStep = (chunk) => {
        addAll(chunk)!.visit(0, chunk.rows);
        pace.add(chunk.rows * work);
        return undefined;
      };
      yield* forEachChunk(data, [chunkRows * work > pieceWork ? addAll : addShort]);
      return yield* storeAll([mass, sums], call);
    });

import { DdclError, type CompositeKernel, type TypedArray } from '@ddcl/core/backend';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { ddclData, forEachChunk, storeAll } from './token-chunks.ts';

/** `ddcl.segmentSums/1` {segments} (tokens, weights, prototypes, temperature, ids): token by token, without spreading assignments over segments. */
export const segmentSums =
  (arithmetic: Arithmetic): CompositeKernel<TypedArray> =>
  ([tokens, weights, prototypes, temperature, ids], call) =>
    arithmetic((scratch) => {
      const operands = { tokens: tokens!, prototypes: prototypes!, temperature: temperature! };
      const data = ddclData(scratch, operands, call.inputTypes[2]!);
      const { count, dimension, width, stride } = data;
      const segments = call.outputTypes[0]!.shape[0]!;
      const mass = new Float64Array(segments * count);
      const sums = call.needed[1] ? new Float64Array(segments * count * dimension) : undefined;
      forEachChunk(data, ({ start, rows, tokens: { data: z }, q: { data: q } }) => {
        for (let row = 0; row < rows; row++) {
          const id = ids![start + row]!;
          if (!(id >= 0 && id < segments)) {
            throw new DdclError(
              'argument',
              `ddcl.segmentSums/1 got the id ${id}, which is outside 0..${segments - 1}.`,
              { op: 'ddcl.segmentSums/1' },
            );
          }
          for (let k = 0; k < count; k++) {
            const share = weights![start + row]! * q[row * width + k]!;
            mass[id * count + k]! += share;
            if (sums === undefined) continue;
            const target = (id * count + k) * dimension;
            for (let axis = 0; axis < dimension; axis++) sums[target + axis]! += share * z[row * stride + axis]!;
          }
        }
      });
      return storeAll([mass, sums], call);
    });

import { DdclError, type CompositeKernel, type TypedArray } from '@ddcl/core/backend';
import { multiplyPacked, pack } from '../kernels/matmul.ts';
import { ddclData, forEachChunk, storeAll } from './token-chunks.ts';

/** `ddcl.assign/1` (tokens, prototypes, temperature). */
export const assign: CompositeKernel<TypedArray> = ([tokens, prototypes, temperature], call) => {
  const data = ddclData(tokens!, prototypes!, temperature!, call, 1);
  const result = new Float64Array(data.rows * data.count);
  forEachChunk(data, ({ start, rows, q }) => result.set(q.subarray(0, rows * data.count), start * data.count));
  return storeAll([result], call);
};

/** `ddcl.forward/1` (tokens, prototypes, temperature). */
export const forward: CompositeKernel<TypedArray> = ([tokens, prototypes, temperature], call) => {
  const data = ddclData(tokens!, prototypes!, temperature!, call, 1);
  const { count, dimension } = data;
  const byAxis = pack(data.prototypes, 0, dimension, count, false);
  const result = new Float64Array(data.rows * dimension);
  forEachChunk(data, ({ start, rows, q }) =>
    multiplyPacked(q, byAxis, result, start * dimension, rows, dimension, count),
  );
  return storeAll([result], call);
};

/** `ddcl.segmentSums/1` {segments} (tokens, weights, prototypes, temperature, ids): token by token, without spreading assignments over segments. */
export const segmentSums: CompositeKernel<TypedArray> = ([tokens, weights, prototypes, temperature, ids], call) => {
  const data = ddclData(tokens!, prototypes!, temperature!, call, 2);
  const { count, dimension } = data;
  const segments = call.outputTypes[0]!.shape[0]!;
  const mass = new Float64Array(segments * count);
  const sums = new Float64Array(segments * count * dimension);
  forEachChunk(data, ({ start, rows, tokens: packed, q }) => {
    for (let row = 0; row < rows; row++) {
      const id = ids![start + row]!;
      if (!(id >= 0 && id < segments)) {
        throw new DdclError('argument', `ddcl.segmentSums/1 got the id ${id}, which is outside 0..${segments - 1}.`, {
          op: 'ddcl.segmentSums/1',
        });
      }
      for (let k = 0; k < count; k++) {
        const share = weights![start + row]! * q[row * count + k]!;
        mass[id * count + k]! += share;
        const target = (id * count + k) * dimension;
        for (let axis = 0; axis < dimension; axis++) sums[target + axis]! += share * packed[row * dimension + axis]!;
      }
    }
  });
  return storeAll([mass, sums], call);
};

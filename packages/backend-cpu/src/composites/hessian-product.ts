import type { CompositeKernel, TypedArray } from '@ddcl/core/backend';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { chunkRows, ddclData, forEachChunk, storeAll, takeKeys } from './token-chunks.ts';
import { createTokenSum, prototypeMatrix } from './token-sum.ts';

/** `ddcl.hessianProduct/1` (tokens, weights, prototypes, temperature, direction): docs/math.md section 3, second order, in one pass. */
export const hessianProduct =
  (arithmetic: Arithmetic): CompositeKernel<TypedArray> =>
  ([tokens, weights, prototypes, temperature, direction], call) =>
    arithmetic((scratch) => {
      const operands = { tokens: tokens!, prototypes: prototypes!, temperature: temperature! };
      const data = ddclData(scratch, operands, call.inputTypes[2]!);
      const { count, dimension, width, stride, temperature: t } = data;
      const along = Float64Array.from(direction!);
      const own = new Float64Array(count);
      for (let index = 0; index < along.length; index++)
        own[Math.floor(index / dimension)]! += along[index]! * data.prototypes[index]!;

      const directions = takeKeys(scratch, along, count, dimension);
      const inner = scratch.take(chunkRows * width);
      const coefficients = scratch.take(chunkRows * width);
      const [changes, pulls] = [new Float64Array(count), new Float64Array(count)];
      const tokenSum = createTokenSum(data);
      forEachChunk(data, (chunk) => {
        const { start, rows, tokens: a, distances, errors } = chunk;
        scratch.multiply({
          a,
          rowA: stride,
          stepA: 1,
          b: directions,
          c: inner,
          rows,
          columns: width,
          inner: dimension,
        });
        const [q, products, into] = [chunk.q.data, inner.data, coefficients.data];
        for (let row = 0; row < rows; row++) {
          const weight = weights![start + row]!;
          const first = row * width;
          const change = (k: number): number => 2 * (own[k]! - products[first + k]!);
          let mean = 0;
          for (let k = 0; k < count; k++) mean += q[first + k]! * change(k);
          let dError = 0;
          for (let k = 0; k < count; k++) {
            const dq = (-q[first + k]! * (change(k) - mean)) / t;
            dError += dq * distances[first + k]! + q[first + k]! * change(k);
          }
          for (let k = 0; k < count; k++) {
            const probability = q[first + k]!;
            const factor = 1 - (distances[first + k]! - errors[row]!) / t;
            const dq = (-probability * (change(k) - mean)) / t;
            const dw = weight * (dq * factor - (probability * (change(k) - dError)) / t);
            into[first + k] = dw;
            changes[k]! += dw;
            pulls[k]! += weight * probability * factor;
          }
        }
        tokenSum.add(coefficients, a, rows);
      });
      const result = prototypeMatrix(
        data,
        (k, axis, index) =>
          2 * (changes[k]! * data.prototypes[index]! - tokenSum.at(k, axis) + pulls[k]! * along[index]!),
      );
      return storeAll([result], call);
    });

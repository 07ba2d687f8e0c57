import type { CompositeKernel, TypedArray } from '@ddcl/core/backend';
import { multiplyPacked } from '../kernels/matmul.ts';
import { createTokenSum, ddclData, forEachChunk, storeAll } from './token-chunks.ts';

/** `ddcl.hessianProduct/1` (tokens, weights, prototypes, temperature, direction): docs/math.md section 3, second order, in one pass. */
export const hessianProduct: CompositeKernel<TypedArray> = (
  [tokens, weights, prototypes, temperature, direction],
  call,
) => {
  const data = ddclData({ tokens: tokens!, prototypes: prototypes!, temperature: temperature! }, call.inputTypes[2]!);
  const { count, dimension, temperature: t } = data;
  const along = Float64Array.from(direction!);
  const own = new Float64Array(count);
  for (let index = 0; index < along.length; index++)
    own[Math.floor(index / dimension)]! += along[index]! * data.prototypes[index]!;

  const inner = new Float64Array(64 * count);
  const coefficients = new Float64Array(64 * count);
  const [changes, pulls] = [new Float64Array(count), new Float64Array(count)];
  const tokenSum = createTokenSum(count, dimension);
  forEachChunk(data, (chunk) => {
    const { start, rows, tokens: packed, q, distances, errors } = chunk;
    multiplyPacked(packed, along, inner, 0, rows, count, dimension);
    for (let row = 0; row < rows; row++) {
      const weight = weights![start + row]!;
      const first = row * count;
      const change = (k: number): number => 2 * (own[k]! - inner[first + k]!);
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
        coefficients[first + k] = dw;
        changes[k]! += dw;
        pulls[k]! += weight * probability * factor;
      }
    }
    tokenSum.add(coefficients, chunk);
  });
  const result = tokenSum.sums.map((sum, index) => {
    const k = Math.floor(index / dimension);
    return 2 * (changes[k]! * data.prototypes[index]! - sum + pulls[k]! * along[index]!);
  });
  return storeAll([result], call);
};

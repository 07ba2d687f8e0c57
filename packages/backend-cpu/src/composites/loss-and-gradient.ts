import type { CompositeKernel, TypedArray } from '@ddcl/core/backend';
import { createTokenSum, ddclData, forEachChunk, storeAll } from './token-chunks.ts';

/** `ddcl.lossAndGradient/1` (tokens, weights, prototypes, temperature): L_q and dL_q/dP in one pass over the tokens. */
export const lossAndGradient: CompositeKernel<TypedArray> = ([tokens, weights, prototypes, temperature], call) => {
  const data = ddclData(tokens!, prototypes!, temperature!, call, 2);
  const { count, dimension } = data;
  let lq = 0;
  const pulls = new Float64Array(count);
  const tokenSum = createTokenSum(count, dimension);
  const coefficients = new Float64Array(64 * count);
  forEachChunk(data, (chunk) => {
    const { start, rows, q, distances, errors } = chunk;
    for (let row = 0; row < rows; row++) {
      const weight = weights![start + row]!;
      const error = errors[row]!;
      lq += weight * error;
      for (let k = 0; k < count; k++) {
        const index = row * count + k;
        const w = weight * q[index]! * (1 - (distances[index]! - error) / data.temperature);
        coefficients[index] = w;
        pulls[k]! += w;
      }
    }
    tokenSum.add(coefficients, chunk);
  });
  const gradient = tokenSum.sums.map(
    (sum, index) => 2 * (pulls[Math.floor(index / dimension)]! * data.prototypes[index]! - sum),
  );
  return storeAll([[lq], gradient], call);
};

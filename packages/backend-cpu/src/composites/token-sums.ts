import type { CompositeKernel, TypedArray } from '@ddcl/core/backend';
import { multiplyPacked, pack } from '../kernels/matmul.ts';
import { ddclData, forEachChunk, rowSquares, storeAll } from './token-chunks.ts';

/**
 * `ddcl.tokenSums/1` (tokens, weights, prototypes, temperature): L_q, L_OLS, V, hard error, entropy, mass and wins in one
 * pass, each by its own formula.
 */
export const tokenSums: CompositeKernel<TypedArray> = ([tokens, weights, prototypes, temperature], call) => {
  const data = ddclData(tokens!, prototypes!, temperature!, call, 2);
  const { count, dimension } = data;
  const lengths = rowSquares(data.prototypes, count, dimension);
  const byAxis = pack(data.prototypes, 0, dimension, count, false);
  let [lq, lols, v, hard, entropy] = [0, 0, 0, 0, 0];
  const mass = new Float64Array(count);
  const wins = new Float64Array(count);
  const outputs = new Float64Array(64 * dimension);
  const inner = new Float64Array(64 * count);
  forEachChunk(data, ({ start, rows, tokens: chunk, q, errors, nearest, winners, entropies }) => {
    multiplyPacked(q, byAxis, outputs, 0, rows, dimension, count);
    multiplyPacked(outputs, data.prototypes, inner, 0, rows, count, dimension);
    const squares = rowSquares(outputs, rows, dimension);
    for (let row = 0; row < rows; row++) {
      const weight = weights![start + row]!;
      let residual = 0;
      for (let axis = row * dimension; axis < (row + 1) * dimension; axis++)
        residual += (chunk[axis]! - outputs[axis]!) ** 2;
      let spread = 0;
      for (let k = 0; k < count; k++) {
        const index = row * count + k;
        spread += q[index]! * Math.max(0, lengths[k]! - 2 * inner[index]! + squares[row]!);
        mass[k]! += weight * q[index]!;
      }
      lq += weight * errors[row]!;
      lols += weight * residual;
      v += weight * spread;
      hard += weight * nearest[row]!;
      entropy += weight * entropies[row]!;
      wins[winners[row]!]! += weight;
    }
  });
  return storeAll([[lq], [lols], [v], [hard], [entropy], mass, wins], call);
};

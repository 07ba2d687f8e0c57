import { multiplyPacked } from '../kernels/matmul.ts';
import { chunkRows, rowSquares } from './token-chunks.ts';
import type { PassContext, PassPart } from './token-pass.ts';

/** Assignments, outputs and nearest prototypes: a row per token. */
export function rowsPart({ data, wanted, outputs }: PassContext): PassPart | undefined {
  const { rows: total, count, dimension } = data;
  const make = (length: number): Float64Array => new Float64Array(length);
  const assignments = wanted.has('assignments') ? make(total * count) : undefined;
  const mixtures = wanted.has('outputs') ? make(total * dimension) : undefined;
  const nearest = wanted.has('nearest') ? new Int32Array(total) : undefined;
  const nearestDistance = wanted.has('nearestDistance') ? make(total) : undefined;
  if (!assignments && !mixtures && !nearest && !nearestDistance) return undefined;
  return {
    visit(chunk) {
      const { start, rows } = chunk;
      assignments?.set(chunk.q.subarray(0, rows * count), start * count);
      mixtures?.set(outputs(chunk).subarray(0, rows * dimension), start * dimension);
      nearest?.set(chunk.winners.subarray(0, rows), start);
      nearestDistance?.set(chunk.nearest.subarray(0, rows), start);
    },
    results: () => ({
      ...(assignments && { assignments }),
      ...(mixtures && { outputs: mixtures }),
      ...(nearest && { nearest }),
      ...(nearestDistance && { nearestDistance }),
    }),
  };
}

/** Sums over tokens with their weights: L_q, L_OLS, V, hard error, entropy, mass and wins, each by its own formula. */
export function sumsPart({ data, operands, wanted, outputs }: PassContext): PassPart | undefined {
  const all = ['lq', 'lols', 'v', 'hard', 'entropy', 'mass', 'wins'] as const;
  if (!all.some((quantity) => wanted.has(quantity))) return undefined;
  const { prototypes, count, dimension } = data;
  const weights = operands.weights!;
  const [withLols, withV, withMass] = [wanted.has('lols'), wanted.has('v'), wanted.has('mass')];
  const lengths = rowSquares(prototypes, count, dimension);
  const inner = new Float64Array(withV ? chunkRows * count : 0);
  const squares = new Float64Array(chunkRows);
  let [lq, lols, v, hard, entropy] = [0, 0, 0, 0, 0];
  const mass = new Float64Array(count);
  const wins = new Float64Array(count);
  return {
    visit(chunk) {
      const { start, rows, tokens, q, errors, nearest, winners, entropies } = chunk;
      const y = withLols || withV ? outputs(chunk) : q;
      if (withV) {
        multiplyPacked(y, prototypes, inner, 0, rows, count, dimension);
        rowSquares(y, rows, dimension, squares);
      }
      for (let row = 0; row < rows; row++) {
        const weight = weights[start + row]!;
        if (withLols) {
          let residual = 0;
          for (let axis = row * dimension; axis < (row + 1) * dimension; axis++)
            residual += (tokens[axis]! - y[axis]!) ** 2;
          lols += weight * residual;
        }
        if (withV) {
          let spread = 0;
          for (let k = 0; k < count; k++) {
            const index = row * count + k;
            spread += q[index]! * Math.max(0, lengths[k]! - 2 * inner[index]! + squares[row]!);
          }
          v += weight * spread;
        }
        if (withMass) for (let k = 0; k < count; k++) mass[k]! += weight * q[row * count + k]!;
        lq += weight * errors[row]!;
        hard += weight * nearest[row]!;
        entropy += weight * entropies[row]!;
        wins[winners[row]!]! += weight;
      }
    },
    results: () => ({ lq: [lq], lols: [lols], v: [v], hard: [hard], entropy: [entropy], mass, wins }),
  };
}

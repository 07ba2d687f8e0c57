import { chunkRows, rowSquares } from './token-chunks.ts';
import type { PassContext, PassPart } from './token-pass.ts';

/** Assignments, outputs and nearest prototypes: a row per token. */
export function rowsPart({ data, wanted, ...context }: PassContext): PassPart | undefined {
  const { rows: total, count, dimension, width, stride } = data;
  const make = (length: number): Float64Array => new Float64Array(length);
  const assignments = wanted.has('assignments') ? make(total * count) : undefined;
  const mixtures = wanted.has('outputs') ? make(total * dimension) : undefined;
  const nearest = wanted.has('nearest') ? new Int32Array(total) : undefined;
  const nearestDistance = wanted.has('nearestDistance') ? make(total) : undefined;
  if (!assignments && !mixtures && !nearest && !nearestDistance) return undefined;
  const outputs = mixtures && context.outputs();
  const copyRows = (
    into: Float64Array,
    start: number,
    rows: number,
    size: number,
    from: Float64Array,
    taken: number,
  ) => {
    for (let row = 0; row < rows; row++)
      for (let index = 0; index < size; index++) into[(start + row) * size + index] = from[row * taken + index]!;
  };
  return {
    visit(chunk) {
      const { start, rows } = chunk;
      if (assignments) copyRows(assignments, start, rows, count, chunk.q.data, width);
      if (mixtures) copyRows(mixtures, start, rows, dimension, outputs!(chunk).data, stride);
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
export function sumsPart({ data, operands, wanted, ...context }: PassContext): PassPart | undefined {
  const all = ['lq', 'lols', 'v', 'hard', 'entropy', 'mass', 'wins'] as const;
  if (!all.some((quantity) => wanted.has(quantity))) return undefined;
  const { scratch, prototypes, keys, count, dimension, width, stride } = data;
  const weights = operands.weights!;
  const [withLols, withV] = [wanted.has('lols'), wanted.has('v')];
  const [withMass, withEntropy] = [wanted.has('mass'), wanted.has('entropy')];
  const outputs = withLols || withV ? context.outputs() : undefined;
  const lengths = rowSquares(prototypes, count, dimension);
  const inner = withV ? scratch.take(chunkRows * width) : undefined;
  const squares = new Float64Array(chunkRows);
  let [lq, lols, v, hard, entropy] = [0, 0, 0, 0, 0];
  const mass = new Float64Array(count);
  const wins = new Float64Array(count);
  return {
    visit(chunk) {
      const { start, rows, errors, nearest, winners, totals, meanLogits } = chunk;
      const [tokens, q] = [chunk.tokens.data, chunk.q.data];
      const y = outputs?.(chunk);
      if (inner !== undefined) {
        scratch.multiply({ a: y!, rowA: stride, stepA: 1, b: keys, c: inner, rows, columns: width, inner: dimension });
        rowSquares(y!.data, rows, stride, squares);
      }
      for (let row = 0; row < rows; row++) {
        const weight = weights[start + row]!;
        if (withLols) {
          let residual = 0;
          for (let axis = row * stride; axis < (row + 1) * stride; axis++)
            residual += (tokens[axis]! - y!.data[axis]!) ** 2;
          lols += weight * residual;
        }
        if (inner !== undefined) {
          let spread = 0;
          for (let k = 0; k < count; k++) {
            const index = row * width + k;
            spread += q[index]! * Math.max(0, lengths[k]! - 2 * inner.data[index]! + squares[row]!);
          }
          v += weight * spread;
        }
        if (withMass) for (let k = 0; k < count; k++) mass[k]! += weight * q[row * width + k]!;
        lq += weight * errors[row]!;
        hard += weight * nearest[row]!;
        if (withEntropy) entropy += weight * (Math.log(totals[row]!) - meanLogits[row]!);
        wins[winners[row]!]! += weight;
      }
    },
    results: () => ({ lq: [lq], lols: [lols], v: [v], hard: [hard], entropy: [entropy], mass, wins }),
  };
}

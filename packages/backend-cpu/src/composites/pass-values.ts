import { copyWork } from '../arithmetic/pieces.ts';
import { multiplied } from '../arithmetic/product-ranges.ts';
import { rowSquares, type ChunkStep } from './token-chunks.ts';
import type { PassContext, PassPart } from './token-pass.ts';

/** Assignments, outputs and nearest prototypes: a row per token. */
export function rowsPart({ data, wanted, ...context }: PassContext): PassPart | undefined {
  const { pace, rows: total, count, dimension, width, stride } = data;
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
  const rowWork = copyWork * ((assignments ? count : 0) + (mixtures ? dimension : 0));
  const copy: ChunkStep = (chunk) => {
    const { start, rows } = chunk;
    if (assignments) copyRows(assignments, start, rows, count, chunk.q.data, width);
    if (mixtures) copyRows(mixtures, start, rows, dimension, outputs!.data, stride);
    nearest?.set(chunk.winners.subarray(0, rows), start);
    nearestDistance?.set(chunk.nearest.subarray(0, rows), start);
    pace.add(rows * rowWork);
    return undefined;
  };
  return {
    steps: [copy],
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
  const { scratch, pace, lengths, keys, count, dimension, width, stride, chunkRows } = data;
  const weights = operands.weights!;
  const [withLols, withV] = [wanted.has('lols'), wanted.has('v')];
  const [withMass, withEntropy] = [wanted.has('mass'), wanted.has('entropy')];
  const outputs = withLols || withV ? context.outputs() : undefined;
  const inner = withV ? scratch.take(chunkRows * width) : undefined;
  const squares = new Float64Array(chunkRows);
  let [lq, lols, v, hard, entropy] = [0, 0, 0, 0, 0];
  const mass = new Float64Array(count);
  const wins = new Float64Array(count);
  const addRows: ChunkStep = (chunk) => {
    const { start, rows, errors, nearest, winners, totals, meanLogits } = chunk;
    const [tokens, q, y] = [chunk.tokens.data, chunk.q.data, outputs?.data];
    if (inner !== undefined) rowSquares(y!, rows, stride, squares);
    for (let row = 0; row < rows; row++) {
      const weight = weights[start + row]!;
      if (withLols) {
        let residual = 0;
        for (let axis = row * stride; axis < (row + 1) * stride; axis++) residual += (tokens[axis]! - y![axis]!) ** 2;
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
    pace.add(rows * rowWork);
    return undefined;
  };
  const rowWork = copyWork * ((withMass ? count : 0) + (withV ? count : 0) + (outputs ? stride : 0));
  const project: ChunkStep = ({ rows }) => {
    const [a, c] = [outputs!, inner!];
    return multiplied(scratch, { a, rowA: stride, stepA: 1, b: keys, c, rows, columns: width, inner: dimension }, pace);
  };
  return {
    steps: inner === undefined ? [addRows] : [project, addRows],
    results: () => ({ lq: [lq], lols: [lols], v: [v], hard: [hard], entropy: [entropy], mass, wins }),
  };
}

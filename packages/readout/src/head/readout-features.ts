import { add, assign, concat, DdclError, div, matmul, mul, reshape, sub, sum, type Tensor } from '@ddcl/core';
import {
  normalizedResiduals,
  occupancies,
  paddedSums,
  pooledOutputs,
  positiveWeight,
  outputWidth,
  type ReadoutSums,
  type SegmentOutput,
} from '@ddcl/core/fit';

/** What a head can be put on: outputs of a readout, and `mean`, the mean token, m numbers. Residuals are normalized (VLAD). */
export type HeadOutput = 'mean' | Exclude<SegmentOutput, 'summaries'>;

const headOutputs: readonly HeadOutput[] = ['mean', 'pooled', 'occupancy', 'residuals'];

/** One of them, or several side by side in the order given. */
export type HeadOutputs = HeadOutput | `${HeadOutput}+${HeadOutput}` | readonly HeadOutput[];

/** @throws DdclError `argument` for an unknown or repeated name, or none */
export function outputList(choice: HeadOutputs): readonly HeadOutput[] {
  const list = (typeof choice === 'string' ? choice.split('+') : [...choice]) as HeadOutput[];
  const isKnown = list.every((name) => headOutputs.includes(name));
  if (list.length > 0 && isKnown && new Set(list).size === list.length) return list;
  throw new DdclError(
    'argument',
    `outputs must name some of ${headOutputs.join(', ')}, each once and joined by +, but is '${list.join('+')}'.`,
  );
}

/** How many numbers a document has of it. */
export function headWidth(output: HeadOutput, model: { readonly count: number; readonly dimension: number }): number {
  return output === 'mean' ? model.dimension : outputWidth(output, model);
}

/** Documents side by side, with prototypes; all in one frame. */
export interface ReadoutOperands {
  /** [B, L, m], of known shape. */
  readonly tokens: Tensor;
  /** Token weights >= 0, [B, L]; 0 for padding. */
  readonly weights: Tensor;
  /** [K, m]. */
  readonly prototypes: Tensor;
  /** A scalar > 0, in the frame's units squared. */
  readonly temperature: Tensor;
}

/** Sums over the tokens of each document. */
export function documentSums({ tokens, weights, prototypes, temperature }: ReadoutOperands): ReadoutSums {
  const [rows, length, dimension] = tokens.shape as [number, number, number];
  const q = assign({ tokens: reshape(tokens, [rows * length, dimension]), prototypes, temperature });
  return paddedSums(reshape(q, [rows, length, prototypes.shape[0]!]), weights, tokens);
}

/**
 * `L_q = sum_n a_n sum_k q_nk |z_n - p_k|^2` of all documents, a scalar, from their sums:
 * `sum a |z|^2 - 2 sum_k p_k . s_k + sum_k mass_k |p_k|^2`. Its gradient costs no product of its own.
 *
 * It is meant to train prototypes alone. Where tokens come from an encoder in the same program, give the sums
 * of `detach(tokens)`: minimised over an encoder it makes all tokens equal (docs/math.md section 5).
 */
export function quantizationLoss(
  { tokens, weights, prototypes }: Omit<ReadoutOperands, 'temperature'>,
  { mass, sums }: ReadoutSums,
): Tensor {
  const squares = sum(mul(weights, sum(mul(tokens, tokens), [2])));
  const inner = sum(mul(prototypes, sum(sums!, [0])));
  const norms = sum(mul(sum(mass, [0]), sum(mul(prototypes, prototypes), [1])));
  return add(sub(squares, mul(inner, 2)), norms);
}

/** `sum_n a_n z_n / sum_n a_n`, [B, m]. */
export function meanTokens(tokens: Tensor, weights: Tensor): Tensor {
  const [rows, length, dimension] = tokens.shape as [number, number, number];
  const total = matmul(reshape(weights, [rows, 1, length]), tokens);
  return div(reshape(total, [rows, dimension]), positiveWeight(sum(weights, [1], { keepDims: true })));
}

/**
 * What features are divided by in training, so that magnitudes of every kind sum up to about the same per document (sqrt(m); sqrt(K)
 * for occupancy) and one learning rate serves all: Adam moves a logit by up to rate * (that sum) per step.
 */
export function trainingScale(output: HeadOutput, count: number, dimension: number): number {
  const byDimension = Math.sqrt(dimension);
  const byCount = Math.sqrt(count);
  return { mean: byDimension, pooled: byDimension, occupancy: 1 / byCount, residuals: byCount }[output];
}

/**
 * Features of documents in the frame, side by side and divided by their {@link trainingScale}: [B, F].
 *
 * @param documents sums at these operands; may be left out for `mean` alone
 */
export function readoutFeatures(
  outputs: readonly HeadOutput[],
  operands: ReadoutOperands,
  documents: ReadoutSums | undefined,
  spread: number,
): Tensor {
  const { tokens, weights, prototypes } = operands;
  const [count, dimension] = prototypes.shape as [number, number];
  const known = documents ?? (outputs.some((name) => name !== 'mean') ? documentSums(operands) : undefined);
  const make: Record<HeadOutput, () => Tensor> = {
    mean: () => meanTokens(tokens, weights),
    pooled: () => pooledOutputs(known!, prototypes),
    occupancy: () => occupancies(known!),
    residuals: () => reshape(normalizedResiduals(known!, prototypes, spread), [tokens.shape[0]!, count * dimension]),
  };
  const scaled = outputs.map((name) => {
    const scale = trainingScale(name, count, dimension);
    return scale === 1 ? make[name]() : mul(make[name](), 1 / scale);
  });
  return concat(scaled, 1);
}

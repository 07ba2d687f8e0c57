import { l2Normalize } from '../composite/l2-normalize.ts';
import { softmax } from '../composite/softmax.ts';
import { add, div, less, maximum, mul, select, sub } from '../program/ops/elementwise.ts';
import { scalar } from '../program/ops/create.ts';
import { segmentSum } from '../program/ops/indexing.ts';
import { composite } from '../program/composite.ts';
import { broadcastTo, reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { sum } from '../program/ops/reduce.ts';
import type { Dimension } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';

/** Weighted sums over the tokens of S segments (sequences, documents), of which everything per segment is made; parts of a segment add up. */
export interface ReadoutSums {
  /** `sum_n a_n`, [S, 1]; 0 for a segment without tokens, whose results are zeros. */
  readonly weight: Tensor;
  /** `sum_n a_n q_nk`, [S, K]. */
  readonly mass: Tensor;
  /** `sum_n a_n q_nk x_n`, [S, K, m], of tokens in some frame x = (z - offset) / scale. Not for occupancies and pooled vectors. */
  readonly sums?: Tensor | undefined;
}

/**
 * Residuals shorter than this share of a segment's weight times the root of the tokens' total variance are divided by it and not by
 * their own length when they are normalized: a prototype that nearly no token is assigned to would otherwise weigh as much as any
 * other, with a direction made of rounding errors.
 */
export const residualFloor = 1e-6;

/**
 * Logits of a fixed model, up to what is equal for all k: one product with the tokens in a frame, [..., m] to [..., K], since the numbers of
 * `readoutTerms` hold all the rest: keys `2 p_k / T` as columns, [m, K], and bias `-|p_k|^2 / T`, [K] (docs/math.md section 1).
 */
export function logitsByKeys(tokens: Tensor, keys: Tensor, bias: Tensor): Tensor {
  return add(matmul(tokens, keys), bias);
}

/** Soft assignments of a fixed model, [..., K], from {@link logitsByKeys}. */
export function assignByKeys(tokens: Tensor, keys: Tensor, bias: Tensor): Tensor {
  return softmax(logitsByKeys(tokens, keys, bias));
}

/**
 * Outputs of a fixed model for tokens [n, m] in a frame, `softmax(x keys + bias) values`, [n, m]. The composite `ddcl.attend/1` (tokens, keys, bias,
 * values): where a runtime has fused attention, it is that.
 */
export function attend(tokens: Tensor, keys: Tensor, bias: Tensor, values: Tensor): Tensor {
  const [result] = composite(
    { name: 'ddcl.attend/1', decomposition: (x, k, b, v) => [matmul(assignByKeys(x!, k!, b!), v!)] },
    [tokens, keys, bias, values],
  );
  return result!;
}

/** Weights to divide by: 0 / 1e-20 is 0, and less could overflow float32. */
export function positiveWeight(weight: Tensor): Tensor {
  return maximum(weight, 1e-20);
}

/**
 * Sums of segments that lie side by side, padded: one product per segment, `q^T diag(a) X`, and nothing larger than [S, L, K].
 *
 * @param assignments q, [S, L, K]
 * @param weights a >= 0, [S, L]; 0 for padding, whose tokens must be finite
 * @param tokens x, [S, L, m]; left out, there are no token sums
 */
export function paddedSums(assignments: Tensor, weights: Tensor, tokens?: Tensor): ReadoutSums {
  const [segments, length, count] = assignments.shape as [number, number, number];
  const mass = matmul(reshape(weights, [segments, 1, length]), assignments);
  const totals = { weight: sum(weights, [1], { keepDims: true }), mass: reshape(mass, [segments, count]) };
  if (tokens === undefined) return totals;
  const weighted = mul(assignments, reshape(weights, [segments, length, 1]));
  return { ...totals, sums: matmul(weighted, tokens, { transposeA: true }) };
}

/**
 * Sums of the segments of tokens that lie one after another, each of weight 1, in any order, for a number of segments that may be a symbol: where
 * it is known, `segmentSums` needs no [n, K, m].
 *
 * @param assignments q, [n, K]
 * @param ids segment of each token, int32 [n]
 * @param tokens x, [n, m]; left out, there are no token sums
 */
export function segmentedSums(assignments: Tensor, ids: Tensor, segments: Dimension, tokens?: Tensor): ReadoutSums {
  const total = (rows: Tensor): Tensor => segmentSum(rows, ids, { segments });
  const [n, count] = assignments.shape as [Dimension, number];
  const weight = reshape(total(broadcastTo(scalar(assignments, 1), [n])), [segments, 1]);
  const totals = { weight, mass: total(assignments) };
  if (tokens === undefined) return totals;
  return {
    ...totals,
    sums: total(mul(reshape(assignments, [n, count, 1]), reshape(tokens, [n, 1, tokens.shape[1]!]))),
  };
}

const column = (rows: Tensor): Tensor => reshape(rows, [...rows.shape, 1]);

/** `o_k = sum a q_nk / sum a`, [S, K] (docs/math.md section 6). */
export function occupancies({ weight, mass }: ReadoutSums): Tensor {
  return div(mass, positiveWeight(weight));
}

/** The mean output `sum_k o_k p_k`, [S, m], in the units of `prototypes` [K, m]. It has at most K - 1 degrees of freedom. */
export function pooledOutputs(sums: ReadoutSums, prototypes: Tensor): Tensor {
  return matmul(occupancies(sums), prototypes);
}

/** The way from a frame back to the tokens' own units: `x scale + offset`. */
export interface ReadoutUnits {
  readonly scale: number;
  /** [m]; left out where the frame has none. */
  readonly offset?: Tensor | undefined;
}

/**
 * `s_k = sum a q_nk z_n / sum a q_nk`, [S, K, m], in `units`; zeros where a prototype has no mass: below 1e-30 float32 has no digits
 * left, and the mean of next to nothing says nothing.
 */
export function summaries({ mass, sums }: ReadoutSums, { scale, offset }: ReadoutUnits): Tensor {
  const own = column(mass);
  // This way round a mass that is not a number is not taken for none.
  const isNone = less(own, 1e-30);
  const means = mul(sums!, select(isNone, 0, div(scale, select(isNone, 1, own))));
  return offset === undefined ? means : select(isNone, 0, add(means, offset));
}

/** `r_k = sum a q_nk (x_n - p_k)`, [S, K, m], in the frame, that `prototypes` [K, m] are in too. */
export function residuals({ mass, sums }: ReadoutSums, prototypes: Tensor): Tensor {
  return sub(sums!, mul(column(mass), prototypes));
}

/**
 * VLAD (Jegou et al. 2010; normalized per prototype as by Arandjelovic and Zisserman 2013): {@link residuals}, each of length 1
 * (see {@link residualFloor}), then the segment's K m numbers as a whole, [S, K, m]. Free of scale.
 *
 * @param spread root of the tokens' total variance in the frame; 0 for tokens that are all equal, of which there is nothing to tell
 */
export function normalizedResiduals(sums: ReadoutSums, prototypes: Tensor, spread: number): Tensor {
  const all = residuals(sums, prototypes);
  const [segments, count, dimension] = all.shape as [number, number, number];
  const unit = div(1 / (spread > 0 ? spread : 1), positiveWeight(sums.weight));
  const each = l2Normalize(mul(all, column(unit)), 2, residualFloor);
  return reshape(l2Normalize(reshape(each, [segments, count * dimension]), 1, residualFloor), all.shape);
}

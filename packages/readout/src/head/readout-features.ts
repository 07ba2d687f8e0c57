import {
  add,
  assign,
  composite,
  concat,
  DdclError,
  div,
  less,
  matmul,
  maximum,
  mul,
  reshape,
  scalar,
  select,
  sqrt,
  sub,
  sum,
  type Tensor,
} from '@ddcl/core';
import { residualFloor } from '../encode/finish.ts';

/**
 * What a head can be put on (docs/math.md section 6). `mean`: the mean token, m numbers; `pooled`: the mean output, m; `occupancy`: K;
 * `residuals`: VLAD, K * m, each prototype's of length 1, then the whole.
 */
export type ReadoutFeature = 'mean' | 'pooled' | 'occupancy' | 'residuals';

export const readoutFeatureNames: readonly ReadoutFeature[] = ['mean', 'pooled', 'occupancy', 'residuals'];

/** One kind of feature, or several side by side in the order given. */
export type FeatureChoice = ReadoutFeature | `${ReadoutFeature}+${ReadoutFeature}` | readonly ReadoutFeature[];

/** @throws DdclError `argument` for an unknown or repeated name, or none */
export function featureList(choice: FeatureChoice): readonly ReadoutFeature[] {
  const list = (typeof choice === 'string' ? choice.split('+') : [...choice]) as ReadoutFeature[];
  const isKnown = list.every((name) => readoutFeatureNames.includes(name));
  if (list.length > 0 && isKnown && new Set(list).size === list.length) return list;
  throw new DdclError(
    'argument',
    `features must name some of ${readoutFeatureNames.join(', ')}, each once and joined by +, but is '${list.join('+')}'.`,
  );
}

/** How many numbers a feature has. */
export function featureWidth(feature: ReadoutFeature, count: number, dimension: number): number {
  return { mean: dimension, pooled: dimension, occupancy: count, residuals: count * dimension }[feature];
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

/** Sums over the tokens of each document: everything else is made of them, so nothing larger than [B, L, K] is needed. */
export interface DocumentSums {
  /** `sum_n a_n`, [B, 1]; 1 for a document of no weight, so that one can divide. */
  readonly weight: Tensor;
  /** `sum_n a_n q_nk`, [B, K]. */
  readonly mass: Tensor;
  /** `sum_n a_n q_nk z_n`, [B, K, m]: one product per document, `q^T diag(a) Z`. */
  readonly sums: Tensor;
}

/** Total weight of each document, [B, 1]; 1 where it is 0. */
export function documentWeights(weights: Tensor): Tensor {
  const total = sum(weights, [1], { keepDims: true });
  // Dividing by less could overflow float32.
  return select(less(total, 1e-20), 1, total);
}

export function documentSums({ tokens, weights, prototypes, temperature }: ReadoutOperands): DocumentSums {
  const [rows, length, dimension] = tokens.shape as [number, number, number];
  const count = prototypes.shape[0] as number;
  const q = assign({ tokens: reshape(tokens, [rows * length, dimension]), prototypes, temperature });
  const weighted = mul(reshape(q, [rows, length, count]), reshape(weights, [rows, length, 1]));
  return {
    weight: documentWeights(weights),
    mass: sum(weighted, [1]),
    sums: matmul(weighted, tokens, { transposeA: true }),
  };
}

/**
 * `L_q = sum_n a_n sum_k q_nk |z_n - p_k|^2` of all documents, a scalar, from their sums:
 * `sum a |z|^2 - 2 sum_k p_k . s_k + sum_k mass_k |p_k|^2`. Its gradient costs no product of its own.
 *
 * It is meant to train prototypes alone. Where tokens come from an encoder in the same program, give the sums
 * of `detach(tokens)`: minimised over an encoder it makes all tokens equal (docs/math.md section 5).
 */
export function quantisationLoss(
  { tokens, weights, prototypes }: Omit<ReadoutOperands, 'temperature'>,
  { mass, sums }: DocumentSums,
): Tensor {
  const squares = sum(mul(weights, sum(mul(tokens, tokens), [2])));
  const inner = sum(mul(prototypes, sum(sums, [0])));
  const norms = sum(mul(sum(mass, [0]), sum(mul(prototypes, prototypes), [1])));
  return add(sub(squares, mul(inner, 2)), norms);
}

/**
 * Vectors of length 1 along `axis`; those shorter than `floor` > 0 are divided by it, so zeros stay zeros. With
 * y = x / d the derivative is `(g - y (g . y)) / d`, and `g / d` below the floor: a composite, since by the chain rule it takes three times the passes.
 */
function normalise(x: Tensor, axis: number, floor: number): Tensor {
  const along = [axis];
  const [result] = composite(
    {
      name: 'readout.normalise/1',
      attributes: { axis, floor },
      decomposition: (input) => {
        const length = sqrt(sum(mul(input!, input!), along, { keepDims: true }));
        const divisor = maximum(length, floor);
        return [div(input!, divisor), divisor];
      },
      gradient: (_inputs, [y, divisor], [g]) => {
        const inner = sum(mul(g!, y!), along, { keepDims: true });
        const isLong = less(scalar(divisor!, floor), divisor!);
        return [div(sub(g!, mul(y!, select(isLong, inner, 0))), divisor!)];
      },
    },
    [x],
  );
  return result!;
}

/** `sum_n a_n z_n / sum_n a_n`, [B, m]. */
export function meanTokens(tokens: Tensor, weights: Tensor): Tensor {
  const [rows, length, dimension] = tokens.shape as [number, number, number];
  const total = matmul(reshape(weights, [rows, 1, length]), tokens);
  return div(reshape(total, [rows, dimension]), documentWeights(weights));
}

/** `o_k = sum a q_k / sum a`, [B, K]. */
export function occupancy({ mass, weight }: DocumentSums): Tensor {
  return div(mass, weight);
}

/**
 * VLAD: `r_k = sum_n a_n q_nk (z_n - p_k)`, each of length 1, then all of a document, [B, K m]. Lengths have the floor of
 * `Readout.encode` with `normalise`, so both give the same numbers; scale-free, so the frame does not matter.
 *
 * @param spread root of the tokens' total variance, in the frame's units
 */
export function normalisedResiduals({ mass, sums, weight }: DocumentSums, prototypes: Tensor, spread: number): Tensor {
  const [rows, count, dimension] = sums.shape as [number, number, number];
  const residuals = sub(sums, mul(reshape(mass, [rows, count, 1]), prototypes));
  const perToken = div(residuals, reshape(weight, [rows, 1, 1]));
  // Tokens that are all equal have no spread.
  const smallest = Math.max(residualFloor * spread, 1e-12);
  const each = normalise(perToken, 2, smallest);
  return normalise(reshape(each, [rows, count * dimension]), 1, 1e-6);
}

/**
 * What features are divided by in training, so that magnitudes of every kind sum up to about the same per document (sqrt(m); sqrt(K)
 * for occupancy) and one learning rate serves all: Adam moves a logit by up to rate * (that sum) per step.
 */
export function trainingScale(feature: ReadoutFeature, count: number, dimension: number): number {
  const byDimension = Math.sqrt(dimension);
  const byCount = Math.sqrt(count);
  return { mean: byDimension, pooled: byDimension, occupancy: 1 / byCount, residuals: byCount }[feature];
}

/**
 * Features of documents in the frame, side by side and divided by their {@link trainingScale}: [B, F].
 *
 * @param documents sums at these operands; may be left out for `mean` alone
 */
export function readoutFeatures(
  features: readonly ReadoutFeature[],
  operands: ReadoutOperands,
  documents: DocumentSums | undefined,
  spread: number,
): Tensor {
  const { tokens, weights, prototypes } = operands;
  const [count, dimension] = prototypes.shape as [number, number];
  const known = documents ?? (features.some((name) => name !== 'mean') ? documentSums(operands) : undefined);
  const make: Record<ReadoutFeature, () => Tensor> = {
    mean: () => meanTokens(tokens, weights),
    pooled: () => matmul(occupancy(known!), prototypes),
    occupancy: () => occupancy(known!),
    residuals: () => normalisedResiduals(known!, prototypes, spread),
  };
  const scaled = features.map((name) => {
    const scale = trainingScale(name, count, dimension);
    return scale === 1 ? make[name]() : mul(make[name](), 1 / scale);
  });
  return concat(scaled, 1);
}

import { composite } from '../program/composite.ts';
import { add, div, maximum, mul, neg, sub } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { sum } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';
import { assign } from './assign.ts';
import { checkOperands, type WeightedOperands } from './check-operands.ts';
import { pullTowards, rowSquares, squaredDistances, squaresAsRow } from './distances.ts';
import { lossGradient } from './loss-gradient.ts';

/** The loss and its two parts, each a scalar summed over tokens with their weights (divide by `sum a` for the mean). */
export interface LossParts {
  /** `L_q = sum_n a_n sum_k q_nk d_nk`, the soft quantization error. */
  readonly lq: Tensor;
  /** `L_OLS = sum_n a_n |z_n - y_n|^2`, the reconstruction term. */
  readonly lols: Tensor;
  /** `V = sum_n a_n sum_k q_nk |p_k - y_n|^2`, the diversity term, >= 0. */
  readonly v: Tensor;
}

/** `|p_k - y_n|^2`, [n, K]: how far the prototypes lie from a token's own mixture of them. */
function spread(outputs: Tensor, prototypes: Tensor): Tensor {
  const inner = matmul(outputs, prototypes, { transposeB: true });
  return maximum(add(sub(rowSquares(outputs), mul(inner, 2)), squaresAsRow(prototypes)), 0);
}

function decompose(tokens: Tensor, weights: Tensor, prototypes: Tensor, temperature: Tensor): Tensor[] {
  const q = assign({ tokens, prototypes, temperature });
  const y = matmul(q, prototypes);
  const total = (perToken: Tensor): Tensor => sum(mul(weights, perToken));
  const residual = sub(tokens, y);
  return [
    total(sum(mul(q, squaredDistances(tokens, prototypes)), [1])),
    total(sum(mul(residual, residual), [1])),
    total(sum(mul(q, spread(y, prototypes)), [1])),
  ];
}

/**
 * L_q with its parts L_OLS and V, each by its own formula; `L_q = L_OLS + V` for every token, prototype and T > 0
 * (Proposition 1 of arXiv 2604.03850). The composite `ddcl.loss/1` (tokens, weights, prototypes, temperature).
 * In float32 subtract the weighted token mean from tokens and prototypes first: nothing changes but the rounding.
 */
export function loss(operands: WeightedOperands): LossParts {
  checkOperands('ddcl.loss/1', operands, operands.weights);
  const [lq, lols, v] = composite(
    {
      name: 'ddcl.loss/1',
      decomposition: (tokens, weights, prototypes, temperature) =>
        decompose(tokens!, weights!, prototypes!, temperature!),
      gradient: (inputs, _outputs, cotangents) => lossGradient(inputs, cotangents),
    },
    [operands.tokens, operands.weights, operands.prototypes, operands.temperature],
  );
  return { lq: lq!, lols: lols!, v: v! };
}

/** What a training step with a frozen encoder needs: two matrix products in all. */
export interface LossAndGradient {
  /** `L_q` summed over tokens with their weights. */
  readonly lq: Tensor;
  /** `dL_q/dP`, [K, m], of that sum. */
  readonly gradient: Tensor;
  /** `sum_n a_n w_nk`, [K]: twice that is the Hessian's diagonal while assignments stand still, so `massPreconditioned` divides by it. */
  readonly mass: Tensor;
}

/**
 * L_q and its closed-form gradient `2 ((sum_n a_n w_nk) p_k - (W^T diag(a) Z)_k)` with
 * `w_nk = q_nk (1 - (d_nk - l_n) / T)` (Proposition 2 of arXiv 2604.03850), with its `sum_n a_n w_nk`. The composite
 * `ddcl.lossAndGradient/2` (tokens, weights, prototypes, temperature); sums over blocks of tokens add up to the whole.
 */
export function lossAndGradient(operands: WeightedOperands): LossAndGradient {
  checkOperands('ddcl.lossAndGradient/2', operands, operands.weights);
  const [lq, gradient, mass] = composite(
    {
      name: 'ddcl.lossAndGradient/2',
      decomposition: (tokens, weights, prototypes, temperature) => {
        const { w, error } = separationWeights(tokens!, prototypes!, temperature!);
        const weighted = mul(w, reshape(weights!, [weights!.shape[0]!, 1]));
        return [
          sum(mul(weights!, reshape(error, weights!.shape))),
          mul(pullTowards(weighted, prototypes!, tokens!), 2),
          sum(weighted, [0]),
        ];
      },
    },
    [operands.tokens, operands.weights, operands.prototypes, operands.temperature],
  );
  return { lq: lq!, gradient: gradient!, mass: mass! };
}

/**
 * `w_nk` [n, K] and `l_n` [n, 1]. A negative w pushes its prototype away from the token: the separation
 * force of the method.
 */
export function separationWeights(
  tokens: Tensor,
  prototypes: Tensor,
  temperature: Tensor,
): { w: Tensor; q: Tensor; error: Tensor; distances: Tensor } {
  const q = assign({ tokens, prototypes, temperature });
  const distances = squaredDistances(tokens, prototypes);
  const error = sum(mul(q, distances), [1], { keepDims: true });
  const w = mul(q, add(neg(div(sub(distances, error), temperature)), 1));
  return { w, q, error, distances };
}

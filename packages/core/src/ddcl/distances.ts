import { add, div, exp, log, maximum, mul, neg, sub } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { max, sum } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';

/** Squared lengths of rows: [n, m] to [n, 1]. */
export function rowSquares(x: Tensor): Tensor {
  return sum(mul(x, x), [1], { keepDims: true });
}

/** Squared lengths of rows as a row: [K, m] to [1, K]. */
export function squaresAsRow(x: Tensor): Tensor {
  return reshape(rowSquares(x), [1, x.shape[0]!]);
}

/**
 * `d_nk = |z_n - p_k|^2`, [n, K], as one matrix product. Cancellation can leave a small
 * negative number where a token sits on a prototype, hence the maximum with 0.
 */
export function squaredDistances(tokens: Tensor, prototypes: Tensor): Tensor {
  const inner = matmul(tokens, prototypes, { transposeB: true });
  return maximum(add(sub(rowSquares(tokens), mul(inner, 2)), squaresAsRow(prototypes)), 0);
}

/**
 * `(2 z.p - |p|^2) / T`, [n, K]: the logits of the assignment. `|z|^2` is the same for all prototypes, so the
 * softmax does not need it (docs/math.md section 1).
 */
export function assignmentLogits(tokens: Tensor, prototypes: Tensor, temperature: Tensor): Tensor {
  const inner = matmul(tokens, prototypes, { transposeB: true });
  return div(sub(mul(inner, 2), squaresAsRow(prototypes)), temperature);
}

/** Rows of logits as probabilities, with their entropy in nats [n, 1]; the maximum is taken off, so that both stay exact for large logits. */
export function probabilitiesAndEntropy(logits: Tensor): { probabilities: Tensor; entropy: Tensor } {
  const shifted = sub(logits, max(logits, [1], { keepDims: true }));
  const powers = exp(shifted);
  const total = sum(powers, [1], { keepDims: true });
  const probabilities = div(powers, total);
  const entropy = add(log(total), neg(sum(mul(probabilities, shifted), [1], { keepDims: true })));
  return { probabilities, entropy };
}

/** `(column sums of D) p - D^T Z`, [K, m]: what every gradient with respect to prototypes is made of. */
export function pullTowards(coefficients: Tensor, prototypes: Tensor, tokens: Tensor): Tensor {
  const totals = reshape(sum(coefficients, [0]), [prototypes.shape[0]!, 1]);
  return sub(mul(totals, prototypes), matmul(coefficients, tokens, { transposeA: true }));
}

import { composite } from '../program/composite.ts';
import { add, div, mul, sub } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { sum } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';
import { assign } from './assign.ts';
import { pullTowards, squaredDistances } from './distances.ts';

const rowSum = (x: Tensor): Tensor => sum(x, [1], { keepDims: true });

/**
 * What `ddcl.loss/1` gives to its operands (tokens, weights, prototypes, temperature) for cotangents of L_q, L_OLS and V: the composite
 * `ddcl.lossGradient/1` (those operands, those cotangents), so that a kernel can do joint training without an n x K array. It is the
 * gradient of `c_q L_q + c_ols L_OLS`, V replaced by `L_q - L_OLS` (their exact identity). With h = dL/dq and the direct part c_q a q, the
 * derivative with respect to d_nk is `D = c_q a q - q (h - sum_k q h) / T`; for L_q alone D = a w (docs/math.md section 3).
 */
export function lossGradient(operands: readonly Tensor[], cotangents: readonly Tensor[]): Tensor[] {
  return composite(
    {
      name: 'ddcl.lossGradient/1',
      decomposition: (...inputs) => {
        const [tokens, weights, prototypes, temperature, forLq, forLols, forV] = inputs as Seven;
        const onLq = add(forLq, forV);
        const onLols = sub(forLols, forV);
        const column = reshape(weights, [weights.shape[0]!, 1]);

        const q = assign({ tokens, prototypes, temperature });
        const distances = squaredDistances(tokens, prototypes);
        const residual = sub(tokens, matmul(q, prototypes));
        const forOutput = mul(mul(mul(residual, column), onLols), -2);

        const h = add(mul(mul(distances, column), onLq), matmul(forOutput, prototypes, { transposeB: true }));
        const slope = mul(q, sub(h, rowSum(mul(q, h))));
        const direct = mul(mul(q, column), onLq);
        const coefficients = sub(direct, div(slope, temperature));

        const forTokens = sub(
          mul(sub(mul(tokens, rowSum(coefficients)), matmul(coefficients, prototypes)), 2),
          forOutput,
        );
        const forWeights = add(mul(sum(mul(q, distances), [1]), onLq), mul(sum(mul(residual, residual), [1]), onLols));
        const forPrototypes = add(
          mul(pullTowards(coefficients, prototypes, tokens), 2),
          matmul(q, forOutput, { transposeA: true }),
        );
        const forTemperature = div(sum(mul(slope, distances)), mul(temperature, temperature));
        return [forTokens, forWeights, forPrototypes, forTemperature];
      },
    },
    [...operands, ...cotangents],
  );
}

type Seven = [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];

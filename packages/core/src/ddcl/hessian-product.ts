import { DdclError } from '../errors/ddcl-error.ts';
import { composite } from '../program/composite.ts';
import { add, div, mul, neg, sub } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { sum } from '../program/ops/reduce.ts';
import { formatType, sameType } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';
import { checkOperands, type WeightedOperands } from './check-operands.ts';
import { pullTowards } from './distances.ts';
import { separationWeights } from './loss.ts';

/**
 * `H_PP U`, [K, m]: the Hessian of the summed L_q with respect to the prototypes, applied to a direction, without
 * ever forming it (docs/math.md section 3, second order). The composite `ddcl.hessianProduct/1` (tokens, weights,
 * prototypes, temperature, direction); sums over blocks of tokens add up to the whole.
 *
 * @param direction U, of the prototypes' type
 */
export function hessianProduct(operands: WeightedOperands, direction: Tensor): Tensor {
  checkOperands('ddcl.hessianProduct/1', operands, operands.weights);
  if (!sameType(direction.type, operands.prototypes.type)) {
    throw new DdclError(
      'shape',
      `ddcl.hessianProduct/1 takes a direction of the prototypes' type ${formatType(operands.prototypes.type)}, but got ${formatType(direction.type)}.`,
      { op: 'ddcl.hessianProduct/1', shapes: [direction.shape] },
    );
  }
  const [result] = composite(
    {
      name: 'ddcl.hessianProduct/1',
      decomposition: (tokens, weights, prototypes, temperature, along) => [
        decompose(tokens!, weights!, prototypes!, temperature!, along!),
      ],
    },
    [operands.tokens, operands.weights, operands.prototypes, operands.temperature, direction],
  );
  return result!;
}

function decompose(
  tokens: Tensor,
  weights: Tensor,
  prototypes: Tensor,
  temperature: Tensor,
  direction: Tensor,
): Tensor {
  const column = reshape(weights, [weights.shape[0]!, 1]);
  const { w, q, error, distances } = separationWeights(tokens, prototypes, temperature);
  const rowSum = (x: Tensor): Tensor => sum(x, [1], { keepDims: true });

  const own = reshape(sum(mul(prototypes, direction), [1]), [1, prototypes.shape[0]!]);
  const dDistances = mul(sub(own, matmul(tokens, direction, { transposeB: true })), 2);
  const dq = neg(div(mul(q, sub(dDistances, rowSum(mul(q, dDistances)))), temperature));
  const dError = rowSum(add(mul(dq, distances), mul(q, dDistances)));
  const dw = sub(
    mul(dq, add(neg(div(sub(distances, error), temperature)), 1)),
    div(mul(q, sub(dDistances, dError)), temperature),
  );
  const totals = reshape(sum(mul(w, column), [0]), [prototypes.shape[0]!, 1]);
  return mul(add(pullTowards(mul(dw, column), prototypes, tokens), mul(totals, direction)), 2);
}

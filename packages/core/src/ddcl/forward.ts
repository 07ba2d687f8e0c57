import { composite } from '../program/composite.ts';
import { add, div, mul, neg, sub } from '../program/ops/elementwise.ts';
import { matmul } from '../program/ops/matmul.ts';
import { sum } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';
import { assign } from './assign.ts';
import { checkOperands, type DdclOperands } from './check-operands.ts';
import { pullTowards, squaredDistances } from './distances.ts';

/**
 * The layer's output `y_n = sum_k q_nk p_k`, [n, m]: each token replaced by its mixture of
 * prototypes. The composite `ddcl.forward/1` (tokens, prototypes, temperature); its vector-Jacobian product is
 * a composite of its own (docs/math.md section 3).
 */
export function forward(operands: DdclOperands): Tensor {
  checkOperands('ddcl.forward/1', operands);
  const [result] = composite(
    {
      name: 'ddcl.forward/1',
      decomposition: (tokens, prototypes, temperature) => [
        matmul(assign({ tokens: tokens!, prototypes: prototypes!, temperature: temperature! }), prototypes!),
      ],
      gradient: (inputs, _outputs, [g]) => forwardGradient(inputs, g!),
    },
    [operands.tokens, operands.prototypes, operands.temperature],
  );
  return result!;
}

/**
 * What `ddcl.forward/1` gives to its operands (tokens, prototypes, temperature) for a cotangent g of y: the closed form of docs/math.md
 * section 3, with `g.y = sum_k q_k g.p_k`. The composite `ddcl.forwardGradient/1` (those operands, g).
 */
function forwardGradient(operands: readonly Tensor[], cotangent: Tensor): Tensor[] {
  return composite(
    {
      name: 'ddcl.forwardGradient/1',
      decomposition: (...inputs) => {
        const [tokens, prototypes, temperature, g] = inputs as [Tensor, Tensor, Tensor, Tensor];
        const q = assign({ tokens, prototypes, temperature });
        const along = matmul(g, prototypes, { transposeB: true });
        const slope = mul(q, sub(along, sum(mul(q, along), [1], { keepDims: true })));
        const e = neg(div(slope, temperature));
        const distances = squaredDistances(tokens, prototypes);
        return [
          mul(matmul(e, prototypes), -2),
          add(matmul(q, g, { transposeA: true }), mul(pullTowards(e, prototypes, tokens), 2)),
          div(sum(mul(slope, distances)), mul(temperature, temperature)),
        ];
      },
    },
    [...operands, cotangent],
  );
}

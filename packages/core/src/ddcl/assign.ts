import { softmax } from '../composite/softmax.ts';
import { composite } from '../program/composite.ts';
import { div, mul, neg, sub } from '../program/ops/elementwise.ts';
import { matmul } from '../program/ops/matmul.ts';
import { sum } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';
import { checkOperands, type DdclOperands } from './check-operands.ts';
import { assignmentLogits, pullTowards, squaredDistances } from './distances.ts';

/**
 * Soft assignment `q_nk = softmax_k(-|z_n - p_k|^2 / T)`, [n, K]; rows sum to 1. The composite `ddcl.assign/1`
 * (tokens, prototypes, temperature). Source: arXiv 2604.03850; gradient: docs/math.md section 3.
 */
export function assign(operands: DdclOperands): Tensor {
  checkOperands('ddcl.assign/1', operands);
  const [result] = composite(
    {
      name: 'ddcl.assign/1',
      decomposition: (tokens, prototypes, temperature) => [
        softmax(assignmentLogits(tokens!, prototypes!, temperature!)),
      ],
      gradient: ([tokens, prototypes, temperature], [q], [g]) => {
        // e = dL/d(-d/T) / T; the rows of e sum to zero, so |z|^2 drops out.
        const weighted = mul(q!, g!);
        const slope = sub(weighted, mul(q!, sum(weighted, [1], { keepDims: true })));
        const e = neg(div(slope, temperature!));
        const distances = squaredDistances(tokens!, prototypes!);
        const square = mul(temperature!, temperature!);
        return [
          mul(matmul(e, prototypes!), -2),
          mul(pullTowards(e, prototypes!, tokens!), 2),
          div(sum(mul(slope, distances)), square),
        ];
      },
    },
    [operands.tokens, operands.prototypes, operands.temperature],
  );
  return result!;
}

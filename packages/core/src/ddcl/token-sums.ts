import { composite } from '../program/composite.ts';
import { mul, neg } from '../program/ops/elementwise.ts';
import { segmentSum } from '../program/ops/indexing.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { argMax, max, sum } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';
import { checkOperands, type WeightedOperands } from './check-operands.ts';
import { assignmentLogits, probabilitiesAndEntropy, squaredDistances } from './distances.ts';
import { loss } from './loss.ts';

/** Weighted sums over tokens from which all quantities of docs/math.md section 2 follow; blocks add up. */
export interface TokenSums {
  readonly lq: Tensor;
  readonly lols: Tensor;
  readonly v: Tensor;
  /** `sum_n a_n min_k d_nk`, a scalar. */
  readonly hard: Tensor;
  /** `-sum_n a_n sum_k q_nk log q_nk`, a scalar, in nats. */
  readonly entropy: Tensor;
  /** `sum_n a_n q_nk`, [K]. */
  readonly mass: Tensor;
  /** `sum_n a_n [k = argmax_j q_nj]`, [K]; ties go to the lowest index. */
  readonly wins: Tensor;
}

/** All sums in one pass. The composite `ddcl.tokenSums/1` (tokens, weights, prototypes, temperature). */
export function tokenSums(operands: WeightedOperands): TokenSums {
  checkOperands('ddcl.tokenSums/1', operands, operands.weights);
  const [lq, lols, v, hard, entropy, mass, wins] = composite(
    {
      name: 'ddcl.tokenSums/1',
      decomposition: (tokens, weights, prototypes, temperature) => {
        const all = { tokens: tokens!, weights: weights!, prototypes: prototypes!, temperature: temperature! };
        const parts = loss(all);
        const logits = assignmentLogits(tokens!, prototypes!, temperature!);
        const { probabilities, entropy: perToken } = probabilitiesAndEntropy(logits);
        const nearest = neg(max(neg(squaredDistances(tokens!, prototypes!)), [1]));
        const count = prototypes!.shape[0]!;
        const row = reshape(weights!, [1, weights!.shape[0]!]);
        return [
          parts.lq,
          parts.lols,
          parts.v,
          sum(mul(weights!, nearest)),
          sum(mul(weights!, reshape(perToken, weights!.shape))),
          reshape(matmul(row, probabilities), [count]),
          segmentSum(weights!, argMax(logits, 1), { segments: count }),
        ];
      },
    },
    [operands.tokens, operands.weights, operands.prototypes, operands.temperature],
  );
  return { lq: lq!, lols: lols!, v: v!, hard: hard!, entropy: entropy!, mass: mass!, wins: wins! };
}

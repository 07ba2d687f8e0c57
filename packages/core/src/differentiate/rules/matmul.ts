import { matmul } from '../../program/ops/matmul.ts';
import type { Tensor } from '../../program/trace.ts';
import { unbroadcast, type RuleTable } from './rule.ts';

/** C = A' B' with A' = A or its transpose: dA' = G B'^T and dB' = A'^T G, each transposed back. */
export const matmulRules: Pick<RuleTable, 'matmul'> = {
  matmul: ({ inputs, attributes: { transposeA, transposeB }, cotangent }) => {
    const [a, b] = inputs as [Tensor, Tensor];
    const forA = transposeA
      ? matmul(b, cotangent, { transposeA: transposeB, transposeB: true })
      : matmul(cotangent, b, { transposeB: !transposeB });
    const forB = transposeB
      ? matmul(cotangent, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, cotangent, { transposeA: !transposeA });
    return [unbroadcast(forA, a.shape), unbroadcast(forB, b.shape)];
  },
};

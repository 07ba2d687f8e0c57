import { nearest } from '../ddcl/nearest.ts';
import { tokenProgram, type TokenProgram } from '../pass/token-program.ts';
import type { FloatDType } from '../program/dtype.ts';
import { cast, iota } from '../program/ops/create.ts';
import { equal, mul } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { sum } from '../program/ops/reduce.ts';
import { tensorType } from '../program/tensor-type.ts';

/** Of (centroids): weighted token sums of each cell [K, m], the cells' weights [K], and the sum of squared distances []. */
export function lloydProgram(count: number, dimension: number, dtype: FloatDType): TokenProgram {
  return tokenProgram('k-means', [tensorType(dtype, [count, dimension])], (tokens, weights, centroids) => {
    const rows = weights.shape[0]!;
    const { indices, distances } = nearest({ tokens, prototypes: centroids });
    const codes = reshape(indices, [rows, 1]);
    // A product with members as zeros and ones: ONNX Runtime adds rows up by number far more slowly.
    const member = mul(cast(equal(codes, iota(codes, 'int32', [rows, count], 1)), dtype), reshape(weights, [rows, 1]));
    return {
      sums: [matmul(member, tokens, { transposeA: true }), sum(member, [0]), sum(mul(distances, weights))],
    };
  });
}

import type { FloatDType } from '../program/dtype.ts';
import { detach } from '../program/ops/create.ts';
import { add, div, equal, less, maximum, mul, select, sqrt, sub } from '../program/ops/elementwise.ts';
import { concat, reshape, slice } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { sum } from '../program/ops/reduce.ts';
import type { ConcreteType } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';

/** Running statistics of the spread of tokens that change: types of {@link trackSpread}'s. They start at a unit vector and at zeros. */
export function spreadTypes(dimension: number, dtype: FloatDType): readonly [ConcreteType, ConcreteType] {
  return [
    { dtype, shape: [dimension] },
    { dtype, shape: [averageCount] },
  ];
}

/** Decayed sum of lambda_max, the sum of its weights, the last lambda_max, total variance of the last batch and of the first. */
const averageCount = 5;

/** Below it a number counts as zero: squares of it still have an inverse in float32. */
export const tiny = 1e-18;

/**
 * What is known of the largest eigenvalue of tokens' covariance C after one more batch, without gradients. C is never formed: a power step
 * is two products of the tokens with a vector, which carries on from batch to batch.
 *
 * @param rows tokens [n, m]; @param column their weights [n, 1]
 * @param before direction of the power steps [m], and the averages, of {@link spreadTypes}
 * @param decay of the exponential mean, per batch; @param iterations power steps per batch
 */
export function trackSpread(
  { rows, column }: { readonly rows: Tensor; readonly column: Tensor },
  [direction, averages]: readonly [Tensor, Tensor],
  { decay, iterations }: { readonly decay: number; readonly iterations: number },
): [Tensor, Tensor] {
  const dimension = rows.shape[1]!;
  const [z, a] = [detach(rows), detach(column)];
  const weight = maximum(sum(a), tiny);
  const centred = sub(z, div(matmul(a, z, { transposeA: true }), weight));
  let along = reshape(direction, [dimension, 1]);
  let largest = sum(along);
  for (let step = 0; step < iterations; step++) {
    const product = div(matmul(centred, mul(a, matmul(centred, along)), { transposeA: true }), weight);
    largest = sqrt(sum(mul(product, product)));
    along = select(less(tiny, largest), div(product, maximum(largest, tiny)), along);
  }
  const variance = div(sum(mul(a, sum(mul(centred, centred), [1], { keepDims: true }))), weight);
  const at = (index: number): Tensor => slice(averages, [index], [1]);
  const one = (value: Tensor): Tensor => reshape(value, [1]);
  const next = [
    add(mul(at(0), decay), mul(one(largest), 1 - decay)),
    add(mul(at(1), decay), 1 - decay),
    one(largest),
    one(variance),
    select(equal(at(1), 0), one(variance), at(4)),
  ];
  return [reshape(along, [dimension]), concat(next, 0)];
}

/** `T_c = 4 lambda_max` of the averages of {@link trackSpread} (docs/math.md section 5), a scalar; 0 before the first batch. */
export function spreadCritical(averages: Tensor): Tensor {
  const at = (index: number): Tensor => reshape(slice(averages, [index], [1]), []);
  return mul(div(at(0), maximum(at(1), tiny)), 4);
}

/** The total variance of the last batch's tokens, of those averages. */
export function spreadVariance(averages: Tensor): Tensor {
  return reshape(slice(averages, [3], [1]), []);
}

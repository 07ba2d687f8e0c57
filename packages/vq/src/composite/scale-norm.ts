import {
  add,
  detach,
  div,
  less,
  matmul,
  maximum,
  mul,
  reshape,
  scalar,
  select,
  sqrt,
  sub,
  sum,
  type Tensor,
} from '@ddcl/core';
import { requireNumber, requireObject, requireTensor } from '../checks/require.ts';

/** Running statistics of a {@link scaleNorm}: the mean [m], and the total variance per component []. */
export interface ScaleStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** Least variance per component that is divided by. */
const leastVariance = 1e-8;

/**
 * The mean is taken off, and one scalar makes the total variance m: the geometry stays, the scale is fixed. With `momentum` by the batch's own
 * statistics, through which gradients go, and the running ones follow; without it by the running ones.
 *
 * @param z [n, m]; @param column weights [n, 1]; @param running those so far; a variance of 0 says that there were none
 * @param momentum share of the batch in the running statistics; undefined: apply them
 * @throws DdclError `argument` for others
 */
export function scaleNorm(
  z: Tensor,
  column: Tensor,
  running: ScaleStatistics,
  momentum: number | undefined,
): { readonly z: Tensor; readonly next: ScaleStatistics } {
  requireTensor('z', z);
  requireTensor('column', column);
  requireObject('running', running, 'an object { mean, variance } of tensors');
  requireTensor("running's mean", running.mean);
  requireTensor("running's variance", running.variance);
  if (momentum !== undefined)
    requireNumber('momentum', momentum, (value) => value >= 0 && value <= 1, 'a number in 0..1');
  const m = Number(z.shape[1]);
  const normalize = (centred: Tensor, variance: Tensor): Tensor => div(centred, sqrt(maximum(variance, leastVariance)));
  if (momentum === undefined)
    return { z: normalize(sub(z, reshape(running.mean, [1, m])), running.variance), next: running };
  const total = maximum(sum(column), 1e-20);
  const meanOf = (x: Tensor): Tensor => div(matmul(column, x, { transposeA: true }), total);
  // In two steps, as the sum of numbers far from 0 has few digits; the second has the gradient.
  const rough = detach(meanOf(z));
  const shifted = sub(z, rough);
  const left = meanOf(shifted);
  const centred = sub(shifted, left);
  const variance = div(sum(mul(column, mul(centred, centred))), mul(total, m));
  const isFirst = less(running.variance, 1e-30);
  const share = select(isFirst, scalar(z, 1), momentum);
  const towards = (before: Tensor, now: Tensor): Tensor => add(before, mul(sub(detach(now), before), share));
  return {
    z: normalize(centred, variance),
    next: {
      mean: towards(running.mean, reshape(add(rough, left), [m])),
      variance: towards(running.variance, variance),
    },
  };
}

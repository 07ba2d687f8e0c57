import { DdclError } from '../errors/ddcl-error.ts';
import { maximum, mul } from '../program/ops/elementwise.ts';
import { sum, type ReductionOptions } from '../program/ops/reduce.ts';
import { formatType } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';

/**
 * Mean over `axes` (all by default), whose sizes must be known and not 0.
 * @throws DdclError `shape` for a symbol or an empty axis
 */
export function mean(
  x: Tensor,
  axes: readonly number[] = x.shape.map((_, axis) => axis),
  options: ReductionOptions = {},
): Tensor {
  const count = axes.reduce((product, axis) => product * (typeof x.shape[axis] === 'number' ? x.shape[axis] : NaN), 1);
  if (!(count > 0)) {
    throw new DdclError(
      'shape',
      `mean takes axes of known size >= 1, but got ${formatType(x.type)} along ${axes.join(', ')}. Where a size is a symbol, divide a sum by a weight that is an input.`,
      {
        op: 'mean',
        shapes: [x.shape],
      },
    );
  }
  return mul(sum(x, axes, options), 1 / count);
}

/** `max(x, 0)`. */
export const relu = (x: Tensor): Tensor => maximum(x, 0);

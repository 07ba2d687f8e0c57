import { DdclError } from '../errors/ddcl-error.ts';
import { composite } from '../program/composite.ts';
import { add, div, less, maximum, mul, select, sqrt, sub } from '../program/ops/elementwise.ts';
import { cast, scalar } from '../program/ops/create.ts';
import { sum } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';
import { resolveAxis } from './softmax.ts';

/**
 * Vectors of length 1 along `axis` (default the last). Those shorter than `floor` > 0 are divided by it, so zeros stay zeros and noise is
 * not blown up. The composite `l2Normalize/1` {axis, floor}, of two results: y, and the divisor d, which the gradient needs: with y = x / d
 * it is `(g - y (g . y)) / d`, and `g / d` below the floor; by the chain rule it takes three times the passes.
 *
 * @throws DdclError `argument` for a floor that is not a number > 0
 */
export function l2Normalize(x: Tensor, axis = -1, floor = 1e-12): Tensor {
  if (!(floor > 0 && floor < Infinity))
    throw new DdclError('argument', `l2Normalize takes a floor > 0, but got ${floor}.`, { op: 'l2Normalize/1' });
  const along = [resolveAxis('l2Normalize/1', x, axis)];
  const [result] = composite(
    {
      name: 'l2Normalize/1',
      attributes: { axis: along[0]!, floor },
      decomposition: (input) => {
        const divisor = maximum(sqrt(sum(mul(input!, input!), along, { keepDims: true })), floor);
        return [div(input!, divisor), divisor];
      },
      gradient: (_inputs, [y, divisor], [g, ofDivisor]) => {
        const inner = sum(mul(g!, y!), along, { keepDims: true });
        const isLong = less(scalar(divisor!, floor), divisor!);
        const direct = div(sub(g!, mul(y!, select(isLong, inner, 0))), divisor!);
        // As a product, since products with the zeros of a divisor that nobody uses are left out.
        return [add(direct, mul(y!, mul(ofDivisor!, cast(isLong, y!.dtype))))];
      },
    },
    [x],
  );
  return result!;
}

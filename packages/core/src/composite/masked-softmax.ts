import { composite } from '../program/composite.ts';
import { div, exp, less, minimum, mul, select, sub } from '../program/ops/elementwise.ts';
import { max, sum } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';
import { unbroadcast } from '../differentiate/rules/rule.ts';
import { resolveAxis } from './softmax.ts';

/**
 * `a exp(s) / sum a exp(s)` along `axis` (default the last): a softmax of what has a weight, in finite numbers throughout; zeros where nothing has
 * one. The composite `maskedSoftmax/1` (scores, weights) {axis}.
 *
 * @param scores float; those of weight 0 may be anything finite
 * @param weights >= 0, of a shape that broadcasts to the scores'
 */
export function maskedSoftmax(scores: Tensor, weights: Tensor, axis = -1): Tensor {
  const along = [resolveAxis('maskedSoftmax/1', scores, axis)];
  const total = (x: Tensor): Tensor => sum(x, along, { keepDims: true });
  const shares = (s: Tensor, a: Tensor): { powers: Tensor; divisor: Tensor } => {
    const highest = max(select(less(0, a), s, -1e30), along, { keepDims: true });
    // What does not count may lie above it, and would overflow without the minimum.
    const powers = exp(minimum(sub(s, highest), 0));
    const sums = total(mul(powers, a));
    return { powers, divisor: select(less(sums, 1e-20), 1, sums) };
  };
  const [result] = composite(
    {
      name: 'maskedSoftmax/1',
      attributes: { axis: along[0]! },
      decomposition: (s, a) => {
        const { powers, divisor } = shares(s!, a!);
        return [div(mul(powers, a!), divisor)];
      },
      gradient: ([s, a], [y], [g]) => {
        const { powers, divisor } = shares(s!, a!);
        const slope = sub(g!, total(mul(y!, g!)));
        return [mul(y!, slope), unbroadcast(div(mul(powers, slope), divisor), a!.shape)];
      },
    },
    [scores, weights],
  );
  return result!;
}

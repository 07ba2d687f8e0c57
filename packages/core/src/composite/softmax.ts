import { composite } from '../program/composite.ts';
import { requireAxis } from '../program/infer/reduce.ts';
import { add, div, exp, log, mul, sub } from '../program/ops/elementwise.ts';
import { broadcastTo, reshape } from '../program/ops/layout.ts';
import { max, sum } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';

/** `axis` of `x`, counted from the back if negative. */
export function resolveAxis(op: string, x: Tensor, axis: number): number {
  const resolved = axis < 0 ? axis + x.shape.length : axis;
  requireAxis(op, resolved, x.type);
  return resolved;
}

/**
 * `exp(x) / sum exp(x)` along `axis` (default the last). The composite `softmax/1` {axis}:
 * the maximum is subtracted first, so that nothing overflows.
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  const along = [resolveAxis('softmax/1', x, axis)];
  const [result] = composite(
    {
      name: 'softmax/1',
      attributes: { axis: along[0]! },
      decomposition: (input) => {
        const shifted = exp(sub(input!, max(input!, along, { keepDims: true })));
        return [div(shifted, sum(shifted, along, { keepDims: true }))];
      },
      gradient: (_inputs, [y], [g]) => {
        const weighted = mul(y!, g!);
        return [sub(weighted, mul(y!, sum(weighted, along, { keepDims: true })))];
      },
    },
    [x],
  );
  return result!;
}

/**
 * `log sum exp(x)` along `axis` (default the last), which disappears. The composite
 * `logSumExp/1` {axis}; exact for any shift of x.
 */
export function logSumExp(x: Tensor, axis = -1): Tensor {
  const along = resolveAxis('logSumExp/1', x, axis);
  const [result] = composite(
    {
      name: 'logSumExp/1',
      attributes: { axis: along },
      decomposition: (input) => {
        const highest = max(input!, [along], { keepDims: true });
        const total = sum(exp(sub(input!, highest)), [along]);
        return [add(log(total), reshape(highest, total.shape))];
      },
      gradient: ([input], [y], [g]) => {
        const kept = input!.shape.map((size, index) => (index === along ? 1 : size));
        const probability = exp(sub(input!, broadcastTo(reshape(y!, kept), input!.shape)));
        return [mul(probability, reshape(g!, kept))];
      },
    },
    [x],
  );
  return result!;
}

import { add, cast, composite, detach, less, sub, zerosLike, type FloatDType, type Tensor } from '@ddcl/core';
import { requireTensor } from '../checks/require.ts';

/**
 * The value of `hard`, to the last bit, with the derivative of `soft`: the straight-through estimator (Bengio, Léonard, Courville, arXiv
 * 1308.3432). The composite `straightThrough/1`.
 *
 * @throws DdclError `argument` for what are no tensors; `shape` where they differ
 */
export function straightThrough(hard: Tensor, soft: Tensor): Tensor {
  requireTensor('hard', hard);
  requireTensor('soft', soft);
  const [result] = composite(
    {
      name: 'straightThrough/1',
      decomposition: (value) => [value!],
      gradient: (_inputs, _outputs, [g]) => [zerosLike(g!), g!],
    },
    [hard, soft],
  );
  return result!;
}

/** The largest whole number <= x, for |x| < 2^31; without derivative. A cast truncates towards zero, so what is negative needs a step down. */
export function floor(x: Tensor): Tensor {
  const dtype = x.dtype as FloatDType;
  const truncated = cast(cast(detach(x), 'int32'), dtype);
  return sub(truncated, cast(less(x, truncated), dtype));
}

/** The nearest whole number, halves up, for |x| < 2^31; without derivative. */
export const round = (x: Tensor): Tensor => floor(add(x, 0.5));

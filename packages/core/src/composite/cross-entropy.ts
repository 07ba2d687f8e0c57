import { DdclError } from '../errors/ddcl-error.ts';
import { composite } from '../program/composite.ts';
import type { FloatDType } from '../program/dtype.ts';
import { cast, iota } from '../program/ops/create.ts';
import { equal, mul, sub } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { sum } from '../program/ops/reduce.ts';
import { formatType, type Dimension } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';
import { logSumExp, softmax } from './softmax.ts';

/** 1 at each label (int32 [...]) and 0 elsewhere, [..., classes]; a label outside 0..classes-1, such as -1, gives zeros. */
export function oneHot(labels: Tensor, classes: Dimension, dtype: FloatDType = 'float32'): Tensor {
  const rank = labels.shape.length;
  const each = iota(labels, 'int32', [...labels.shape, classes], rank);
  return cast(equal(reshape(labels, [...labels.shape, 1]), each), dtype);
}

/**
 * `log sum_c exp(logits_c) - logits_label` of each row in nats, [n]; 0 for a row whose label is outside 0..C-1, such as -1: it does not count. The
 * composite `crossEntropy/1` (logits, labels); its derivative is `softmax - oneHot`.
 *
 * @param logits float [n, C]
 * @param labels int32 [n]
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const [rows, classes] = logits.shape;
  if (logits.shape.length !== 2 || labels.shape.length !== 1 || labels.shape[0] !== rows || labels.dtype !== 'int32') {
    throw new DdclError(
      'shape',
      `crossEntropy takes logits [n, C] and labels [n] of int32, but got ${formatType(logits.type)} and ${formatType(labels.type)}.`,
      {
        op: 'crossEntropy/1',
        shapes: [logits.shape, labels.shape],
      },
    );
  }
  const [result] = composite(
    {
      name: 'crossEntropy/1',
      decomposition: (x, label) => {
        const own = oneHot(label!, classes!, x!.dtype as FloatDType);
        return [sub(mul(sum(own, [1]), logSumExp(x!, 1)), sum(mul(own, x!), [1]))];
      },
      gradient: ([x, label], _outputs, [g]) => {
        const own = oneHot(label!, classes!, x!.dtype as FloatDType);
        const counts = sum(own, [1], { keepDims: true });
        return [mul(sub(mul(softmax(x!, 1), counts), own), reshape(g!, [rows!, 1]))];
      },
    },
    [logits, labels],
  );
  return result!;
}

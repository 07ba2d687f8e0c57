import { DdclError } from '../../errors/ddcl-error.ts';
import { gather, segmentSum } from '../../program/ops/indexing.ts';
import { reshape } from '../../program/ops/layout.ts';
import type { Dimension, Shape } from '../../program/tensor-type.ts';
import type { Tensor } from '../../program/trace.ts';
import type { RuleTable } from './rule.ts';

function flatCount(shape: Shape): Dimension {
  if (shape.length === 1) return shape[0]!;
  const sizes = shape.map((size) => {
    if (typeof size === 'number') return size;
    throw new DdclError(
      'unsupported',
      `The derivative of gather takes indices of one axis, or of known sizes, but got [${shape.join(', ')}]. Reshape the indices to one axis.`,
      { op: 'gather', shapes: [shape] },
    );
  });
  return sizes.reduce((product, size) => product * size, 1);
}

/** `gather` and `segmentSum` are each other's derivative. */
export const indexingRules: Pick<RuleTable, 'gather' | 'segmentSum' | 'constant' | 'iota'> = {
  gather: ({ inputs, cotangent }) => {
    const [x, indices] = inputs as [Tensor, Tensor];
    const count = flatCount(indices.shape);
    const rows = reshape(cotangent, [count, ...x.shape.slice(1)]);
    return [segmentSum(rows, reshape(indices, [count]), { segments: x.shape[0]! }), undefined];
  },
  segmentSum: ({ inputs: [, ids], cotangent }) => [gather(cotangent, ids!), undefined],
  constant: () => [],
  iota: () => [],
};

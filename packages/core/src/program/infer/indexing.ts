import { DdclError } from '../../errors/ddcl-error.ts';
import type { PrimitiveAttributes } from '../attributes.ts';
import { elementCount, formatType, isConcrete, tensorType, type TensorType } from '../tensor-type.ts';
import { requireInt32 } from './elementwise.ts';
import { requireAxis } from './reduce.ts';

export function inferGather(inputs: readonly TensorType[]): TensorType {
  const [x, indices] = inputs as [TensorType, TensorType];
  requireInt32('gather', 'its indices', indices);
  if (x.shape.length === 0) {
    throw new DdclError('shape', `gather takes rows of a tensor with at least one axis, but got ${formatType(x)}.`, {
      op: 'gather',
      shapes: [x.shape],
    });
  }
  if (x.shape[0] === 0 && !indices.shape.includes(0)) {
    throw new DdclError('shape', `gather of ${formatType(indices)} rows from ${formatType(x)}, which has none.`, {
      op: 'gather',
      shapes: [x.shape, indices.shape],
    });
  }
  return { dtype: x.dtype, shape: [...indices.shape, ...x.shape.slice(1)] };
}

export function inferSegmentSum(
  inputs: readonly TensorType[],
  { segments }: PrimitiveAttributes['segmentSum'],
): TensorType {
  const [values, ids] = inputs as [TensorType, TensorType];
  requireInt32('segmentSum', 'its ids', ids);
  if (ids.shape.length !== 1 || values.shape.length === 0 || values.shape[0] !== ids.shape[0]) {
    throw new DdclError(
      'shape',
      `segmentSum takes values [n, ...] and ids [n], but got ${formatType(values)} and ${formatType(ids)}.`,
      { op: 'segmentSum', shapes: [values.shape, ids.shape] },
    );
  }
  return tensorType(values.dtype, [segments, ...values.shape.slice(1)], 'segmentSum');
}

export function inferConstant({ dtype, shape, data }: PrimitiveAttributes['constant']): TensorType {
  const type = tensorType(dtype, shape, 'constant');
  if (isConcrete(type) && elementCount(type.shape) === data.length) return type;
  throw new DdclError('shape', `constant of type ${formatType(type)} got ${data.length} elements.`, {
    op: 'constant',
    shapes: [shape],
  });
}

export function inferIota({ dtype, shape, axis }: PrimitiveAttributes['iota']): TensorType {
  const type = tensorType(dtype, shape, 'iota');
  requireAxis('iota', axis, type);
  return type;
}

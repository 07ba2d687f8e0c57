import { DdclError } from '../../errors/ddcl-error.ts';
import type { PrimitiveAttributes } from '../attributes.ts';
import { formatType, sameShape, tensorType, type Dimension, type Shape, type TensorType } from '../tensor-type.ts';
import { requireSameDType } from './elementwise.ts';
import { requireAxis } from './reduce.ts';

/** The product of sizes as a number and a sorted list of symbols, so that `[n, 2]` and `[2, n]` compare equal. */
function countKey(shape: Shape): string {
  let product = 1;
  const symbols: string[] = [];
  for (const size of shape) {
    if (typeof size === 'number') product *= size;
    else symbols.push(size);
  }
  return [product, ...(product === 0 ? [] : symbols.sort())].join('*');
}

export function inferReshape(x: TensorType, { shape }: PrimitiveAttributes['reshape']): TensorType {
  const result = tensorType(x.dtype, shape, 'reshape');
  if (countKey(shape) === countKey(x.shape)) return result;
  throw new DdclError(
    'shape',
    `reshape of ${formatType(x)} to [${shape.join(', ')}] changes the number of elements (${countKey(x.shape)} to ${countKey(shape)}).`,
    { op: 'reshape', shapes: [x.shape, shape] },
  );
}

export function inferTranspose(x: TensorType, { permutation }: PrimitiveAttributes['transpose']): TensorType {
  const axes = [...permutation].sort((a, b) => a - b);
  if (
    !sameShape(
      axes,
      x.shape.map((_, axis) => axis),
    )
  ) {
    throw new DdclError(
      'shape',
      `transpose of ${formatType(x)} takes a permutation of its ${x.shape.length} axes, but got [${permutation.join(', ')}].`,
      { op: 'transpose', shapes: [x.shape] },
    );
  }
  return { dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis]!) };
}

export function inferBroadcastTo(x: TensorType, { shape }: PrimitiveAttributes['broadcastTo']): TensorType {
  const result = tensorType(x.dtype, shape, 'broadcastTo');
  const offset = shape.length - x.shape.length;
  if (offset >= 0 && x.shape.every((size, axis) => size === 1 || size === shape[axis + offset])) return result;
  throw new DdclError(
    'shape',
    `broadcastTo cannot stretch ${formatType(x)} to [${shape.join(', ')}]: counted from the last axis, each size must be equal or 1.`,
    { op: 'broadcastTo', shapes: [x.shape, shape] },
  );
}

export function inferSlice(x: TensorType, { starts, sizes }: PrimitiveAttributes['slice']): TensorType {
  if (starts.length !== x.shape.length || sizes.length !== x.shape.length) {
    throw new DdclError(
      'shape',
      `slice of ${formatType(x)} takes a start and a size for each of its ${x.shape.length} axes, but got starts [${starts.join(', ')}] and sizes [${sizes.join(', ')}].`,
      { op: 'slice', shapes: [x.shape] },
    );
  }
  x.shape.forEach((size, axis) => {
    const [start, taken] = [starts[axis]!, sizes[axis]!];
    // A symbolic axis can be kept whole or cut at its front; what a later binding breaks is found when it is bound.
    const fits =
      Number.isSafeInteger(start) &&
      start >= 0 &&
      (typeof size === 'number'
        ? typeof taken === 'number' && start + taken <= size
        : typeof taken === 'number' || (taken === size && start === 0));
    if (fits) return;
    throw new DdclError(
      'shape',
      `slice of ${formatType(x)} asks for ${taken} elements from ${start} on axis ${axis}, which has ${size}.`,
      { op: 'slice', shapes: [x.shape] },
    );
  });
  return tensorType(x.dtype, sizes, 'slice');
}

function addSizes(sizes: readonly Dimension[]): Dimension | undefined {
  const rest = sizes.filter((size) => size !== 0);
  if (rest.length === 1) return rest[0];
  if (rest.some((size) => typeof size !== 'number')) return undefined;
  return rest.reduce<number>((total, size) => total + (size as number), 0);
}

export function inferConcat(inputs: readonly TensorType[], { axis }: PrimitiveAttributes['concat']): TensorType {
  requireSameDType('concat', inputs);
  const first = inputs[0]!;
  requireAxis('concat', axis, first);
  const others = (type: TensorType): Shape => type.shape.filter((_, index) => index !== axis);
  const size = addSizes(inputs.map((type) => type.shape[axis] ?? 0));
  const agree = inputs.every(
    (type) => type.shape.length === first.shape.length && sameShape(others(type), others(first)),
  );
  if (!agree || size === undefined) {
    throw new DdclError(
      'shape',
      `concat along axis ${axis} takes tensors that agree in all other sizes${size === undefined ? ' and whose sizes along the axis are numbers' : ''}, but got ${inputs.map(formatType).join(', ')}.`,
      { op: 'concat', shapes: inputs.map((type) => type.shape) },
    );
  }
  return { dtype: first.dtype, shape: first.shape.map((own, index) => (index === axis ? size : own)) };
}

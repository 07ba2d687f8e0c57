import { DdclError } from '../../errors/ddcl-error.ts';
import { formatType, type TensorType } from '../tensor-type.ts';

export function requireAxis(op: string, axis: number, type: TensorType): void {
  const rank = type.shape.length;
  if (Number.isInteger(axis) && axis >= 0 && axis < rank) return;
  throw new DdclError(
    'shape',
    `${op} on ${formatType(type)} takes axes from 0 to ${rank - 1}, but got ${axis}.${axis < 0 ? ` Axes are counted from the front: ${axis + rank} instead of ${axis}.` : ''}`,
    { op, shapes: [type.shape] },
  );
}

function requireAxes(op: string, axes: readonly number[], type: TensorType): void {
  for (const axis of axes) requireAxis(op, axis, type);
  if (axes.every((axis, index) => index === 0 || axis > axes[index - 1]!)) return;
  throw new DdclError(
    'argument',
    `${op} takes axes in ascending order without repetition, but got [${axes.join(', ')}].`,
    { op },
  );
}

function requireNonEmpty(op: string, axis: number, type: TensorType): void {
  if (type.shape[axis] !== 0) return;
  throw new DdclError(
    'shape',
    `${op} over axis ${axis} of ${formatType(type)} has nothing to choose from. Leave empty tensors out.`,
    {
      op,
      shapes: [type.shape],
    },
  );
}

export function inferReduction(
  op: 'sum' | 'max',
  x: TensorType,
  { axes, keepDims }: { readonly axes: readonly number[]; readonly keepDims: boolean },
): TensorType {
  requireAxes(op, axes, x);
  if (op === 'max') for (const axis of axes) requireNonEmpty(op, axis, x);
  const shape = x.shape.flatMap((size, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [size]));
  return { dtype: x.dtype, shape };
}

export function inferArgMax(x: TensorType, { axis }: { readonly axis: number }): TensorType {
  requireAxis('argMax', axis, x);
  requireNonEmpty('argMax', axis, x);
  return { dtype: 'int32', shape: x.shape.filter((_, index) => index !== axis) };
}

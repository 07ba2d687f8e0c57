import { DdclError } from '../../errors/ddcl-error.ts';
import { isFloat } from '../dtype.ts';
import { formatType, type Dimension, type Shape, type TensorType } from '../tensor-type.ts';

/** NumPy broadcasting: aligned at the last axis, a size of 1 stretches. Symbols equal only themselves. */
export function broadcastShapes(op: string, types: readonly TensorType[]): Shape {
  const rank = Math.max(...types.map((type) => type.shape.length));
  const shape: Dimension[] = [];
  for (let axis = 0; axis < rank; axis++) {
    let size: Dimension = 1;
    for (const type of types) {
      const own = type.shape[type.shape.length - rank + axis];
      if (own === undefined || own === 1 || own === size) continue;
      if (size !== 1) {
        throw new DdclError(
          'shape',
          `${op} cannot broadcast ${types.map(formatType).join(' with ')}: sizes ${size} and ${own} meet; each pair of sizes, counted from the last axis, must be equal or hold a 1.`,
          { op, shapes: types.map((each) => each.shape) },
        );
      }
      size = own;
    }
    shape.push(size);
  }
  return shape;
}

export function requireFloat(op: string, type: TensorType): void {
  if (isFloat(type.dtype)) return;
  throw new DdclError('dtype', `${op} takes floats, but got ${formatType(type)}. Cast it first: cast(x, 'float32').`, {
    op,
    shapes: [type.shape],
  });
}

export function requireSameDType(op: string, types: readonly TensorType[]): void {
  const first = types[0]!;
  if (types.every((type) => type.dtype === first.dtype)) return;
  throw new DdclError(
    'dtype',
    `${op} takes operands of one dtype, but got ${types.map(formatType).join(' and ')}. There is no promotion: cast one of them.`,
    { op, shapes: types.map((type) => type.shape) },
  );
}

export function requireInt32(op: string, what: string, type: TensorType): void {
  if (type.dtype === 'int32') return;
  throw new DdclError(
    'dtype',
    `${op} takes ${what} as int32, but got ${formatType(type)}. Cast it first: cast(x, 'int32').`,
    {
      op,
      shapes: [type.shape],
    },
  );
}

export function inferUnary(op: string, [x]: readonly TensorType[]): TensorType {
  if (op !== 'neg') requireFloat(op, x!);
  return x!;
}

export function inferArithmetic(op: string, inputs: readonly TensorType[]): TensorType {
  requireSameDType(op, inputs);
  return { dtype: inputs[0]!.dtype, shape: broadcastShapes(op, inputs) };
}

export function inferComparison(op: string, inputs: readonly TensorType[]): TensorType {
  requireSameDType(op, inputs);
  return { dtype: 'int32', shape: broadcastShapes(op, inputs) };
}

export function inferSelect(inputs: readonly TensorType[]): TensorType {
  const [condition, a, b] = inputs as [TensorType, TensorType, TensorType];
  requireInt32('select', 'its condition', condition);
  requireSameDType('select', [a, b]);
  return { dtype: a.dtype, shape: broadcastShapes('select', inputs) };
}

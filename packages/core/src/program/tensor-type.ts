import { DdclError } from '../errors/ddcl-error.ts';
import { bytesPerElement, shortDType, type DType } from './dtype.ts';

/** A size: a number, or a named symbol that stands for one and is bound when the program is specialised or run. */
export type Dimension = number | string;

/** Sizes, outermost first. `[]` is a scalar. */
export type Shape = readonly Dimension[];

/** What a value of a program is: its dtype and its shape. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A type of which every size is known: what a device buffer has. */
export interface ConcreteType extends TensorType {
  readonly shape: readonly number[];
}

/** A type; checks that sizes are whole numbers >= 0 or identifiers. `op` is named in the error. */
export function tensorType(dtype: DType, shape: Shape, op?: string): TensorType {
  for (const size of shape) {
    const fine = typeof size === 'number' ? Number.isSafeInteger(size) && size >= 0 : /^[A-Za-z_]\w*$/.test(size);
    if (!fine) {
      throw new DdclError(
        'shape',
        `${op === undefined ? '' : `${op}: `}A size must be a whole number >= 0 or the name of a symbol such as 'n'; ${typeof size === 'string' ? `'${size}'` : size} in [${shape.join(', ')}] is neither.`,
        { ...(op !== undefined && { op }), shapes: [shape] },
      );
    }
  }
  return { dtype, shape: [...shape] };
}

/** A float32 type, for the parameters of `trace`. */
export function f32(...shape: Dimension[]): TensorType {
  return tensorType('float32', shape);
}

/** A float64 type, for the parameters of `trace`; only the CPU backend runs it. */
export function f64(...shape: Dimension[]): TensorType {
  return tensorType('float64', shape);
}

/** An int32 type, for the parameters of `trace`. */
export function i32(...shape: Dimension[]): TensorType {
  return tensorType('int32', shape);
}

/** A float16 type, for parameters that a program casts at once. */
export function f16(...shape: Dimension[]): TensorType {
  return tensorType('float16', shape);
}

/** `f32[n,384]`. */
export function formatType(type: TensorType): string {
  return `${shortDType(type.dtype)}[${type.shape.join(',')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

export function isConcrete(type: TensorType): type is ConcreteType {
  return type.shape.every((size) => typeof size === 'number');
}

/** Number of elements of a concrete shape. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

/** Bytes of a concrete type. */
export function byteLength(type: ConcreteType): number {
  return elementCount(type.shape) * bytesPerElement(type.dtype);
}

/** Elements between neighbours along each axis, row-major. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** `type` as a concrete one; throws if a symbol is left. */
export function requireConcrete(type: TensorType, what: string): ConcreteType {
  if (isConcrete(type)) return type;
  throw new DdclError(
    'shape',
    `${what} has the type ${formatType(type)}, which still holds a symbol. Specialise the program first: specialise(program, { ${type.shape.find((size) => typeof size === 'string')}: 128 }).`,
    { shapes: [type.shape] },
  );
}

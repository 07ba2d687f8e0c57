import { type DType, type TypedArray, elementCount, type ConcreteType } from '@ddcl/core/backend';

/**
 * A tensor of the oracle: numbers in double precision, whatever the dtype. It knows no shape: `reshape` may return
 * its operand, so only the call's types count.
 */
export interface RefTensor {
  readonly dtype: ConcreteType['dtype'];
  readonly data: Float64Array;
}

export type Shape = readonly number[];
export type Coordinates = readonly number[];

/** A value for a parameter of a program. */
export interface Value {
  readonly type: ConcreteType;
  readonly data: TypedArray;
}

/** All coordinates of a shape, row-major. The array is the same one each time: copy it to keep it. */
export function* cells(shape: Shape): Generator<number[]> {
  const at = shape.map(() => 0);
  for (let left = elementCount(shape); left > 0; left--) {
    yield at;
    for (let axis = shape.length - 1; axis >= 0 && ++at[axis]! === shape[axis]; axis--) at[axis] = 0;
  }
}

/** Position of an element; coordinates are aligned at the last axis and a size of 1 stretches. */
export function position(shape: Shape, coordinates: Coordinates): number {
  const offset = coordinates.length - shape.length;
  let index = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    const size = shape[axis]!;
    const coordinate = size === 1 ? 0 : coordinates[offset + axis]!;
    if (!(coordinate >= 0 && coordinate < size)) throw new Error(`[${coordinates}] lies outside of [${shape}]`);
    index = index * size + coordinate;
  }
  return index;
}

/** The number as a tensor of `dtype` holds it. */
export function round(dtype: DType, value: number): number {
  // A cast takes float16 as it is; no result is rounded to it.
  if (dtype === 'float64' || dtype === 'float16') return value;
  return dtype === 'float32' ? Math.fround(value) : value | 0;
}

/** A tensor, element by element; each is rounded to the dtype once. The coordinates are not to be kept. */
export function make(type: ConcreteType, element: (coordinates: Coordinates) => number): RefTensor {
  const { dtype, shape } = type;
  const data = new Float64Array(elementCount(shape));
  const at = shape.map(() => 0);
  for (let index = 0; index < data.length; index++) {
    data[index] = round(dtype, element(at));
    for (let axis = shape.length - 1; axis >= 0 && ++at[axis]! === shape[axis]; axis--) at[axis] = 0;
  }
  return { dtype, data };
}

/** Numbers in double precision as a tensor: rounded once, in the same array. */
export function rounded(type: ConcreteType, data: Float64Array): RefTensor {
  const { dtype } = type;
  if (dtype === 'float32') for (let index = 0; index < data.length; index++) data[index] = Math.fround(data[index]!);
  else if (dtype === 'int32') for (let index = 0; index < data.length; index++) data[index]! |= 0;
  return { dtype, data };
}

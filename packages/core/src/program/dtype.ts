import { DdclError } from '../errors/ddcl-error.ts';

/** Element types of tensors. `float64` is run by the CPU backend only, where it is the oracle. */
export type DType = 'float32' | 'float64' | 'int32';

/** The dtypes that have a gradient. */
export type FloatDType = 'float32' | 'float64';

/** The array that holds elements of a dtype on the host. */
export type TypedArray = Float32Array | Float64Array | Int32Array;

const shortNames = { float32: 'f32', float64: 'f64', int32: 'i32' } as const;

/** `f32`, `f64` or `i32`, as the text form of programs writes it. */
export function shortDType(dtype: DType): string {
  return shortNames[dtype];
}

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return dtype === 'float64' ? 8 : 4;
}

export function isFloat(dtype: DType): dtype is FloatDType {
  return dtype !== 'int32';
}

/** A zero-filled host array of `length` elements. */
export function allocate(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'int32':
      return new Int32Array(length);
  }
}

/**
 * The dtype that a typed array holds, also of another realm's.
 * @throws DdclError `dtype` for any other array
 */
export function dtypeOf(data: TypedArray): DType {
  switch (data[Symbol.toStringTag]) {
    case 'Float32Array':
      return 'float32';
    case 'Float64Array':
      return 'float64';
    case 'Int32Array':
      return 'int32';
    default:
      throw new DdclError(
        'dtype',
        `Tensors are made of Float32Array, Float64Array or Int32Array, but got ${Object.prototype.toString.call(data)}.`,
      );
  }
}

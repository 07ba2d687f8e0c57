import { DdclError } from '../errors/ddcl-error.ts';

/**
 * Element types of tensors. `float64` is run by the CPU backend only, where it is the oracle. `float16` is storage, and a capability: a
 * program takes it as a parameter and casts it; nothing computes in it.
 */
export type DType = 'float32' | 'float64' | 'int32' | 'float16';

/** The dtypes that have a gradient. */
export type FloatDType = 'float32' | 'float64';

/** The array that holds elements of a dtype on the host; of float16, the bits (IEEE 754 binary16). */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint16Array;

const shortNames = { float32: 'f32', float64: 'f64', int32: 'i32', float16: 'f16' } as const;
const elementBytes = { float32: 4, float64: 8, int32: 4, float16: 2 } as const;

/** `f32`, `f64`, `i32` or `f16`, as the text form of programs writes it. */
export function shortDType(dtype: DType): string {
  return shortNames[dtype];
}

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return elementBytes[dtype];
}

/** Whether programs compute with gradients in a dtype. */
export function isFloat(dtype: DType): dtype is FloatDType {
  return dtype === 'float32' || dtype === 'float64';
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
    case 'float16':
      return new Uint16Array(length);
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
    case 'Uint16Array':
      return 'float16';
    default:
      throw new DdclError(
        'dtype',
        `Tensors are made of Float32Array, Float64Array, Int32Array or (float16) Uint16Array, but got ${Object.prototype.toString.call(data)}.`,
      );
  }
}

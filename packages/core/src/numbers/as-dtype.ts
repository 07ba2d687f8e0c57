import type { FloatDType } from '../program/dtype.ts';

/** Numbers as a host array of a dtype. */
export function asDType(values: ArrayLike<number>, dtype: FloatDType): Float32Array | Float64Array {
  return dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
}

/** Dtype of tokens in memory. */
export type TokenDType = 'float32' | 'float64';

export type FloatArray = Float32Array | Float64Array;

/** Finite numbers from here on round to infinity in float32: halfway between its largest number and 2^128. */
export const float32Limit: number = 2 ** 128 - 2 ** 103;

export function createFloats(dtype: TokenDType, length: number): FloatArray {
  return dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
}

/** The bytes of an array, not copied. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { TokenFrame } from '../tokens/device-blocks.ts';

/** Prototypes at a temperature, in the tokens' own units and as programs see them. */
export interface PrototypeState {
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  readonly frame: TokenFrame;
  /** [K, m], in the tokens' units. */
  readonly absolute: Float64Array;
  /** In the tokens' units squared. */
  readonly temperature: number;
  /** Device buffers of the prototypes in the frame [K, m] and the temperature there []; the caller frees them. */
  upload(backend: Backend): [DeviceBuffer, DeviceBuffer];
}

/** @param absolute prototypes in the tokens' units, [K, m] */
export function prototypeState(
  absolute: Float64Array,
  dimension: number,
  temperature: number,
  frame: TokenFrame,
  dtype: FloatDType,
): PrototypeState {
  const count = absolute.length / dimension;
  return {
    count,
    dimension,
    dtype,
    frame,
    absolute,
    temperature,
    upload(backend) {
      const framed = toFrame(absolute, frame);
      return [
        backend.upload({ dtype, shape: [count, dimension] }, asDType(framed, dtype)),
        backend.upload({ dtype, shape: [] }, asDType([temperature / frame.scale ** 2], dtype)),
      ];
    },
  };
}

/** `(p - offset) / scale`, rows of length m. */
export function toFrame(rows: Float64Array, { offset, scale }: TokenFrame): Float64Array {
  return rows.map((value, index) => (value - offset[index % offset.length]!) / scale);
}

/** `p * scale + offset`, rows of length m. */
export function fromFrame(rows: ArrayLike<number>, { offset, scale }: TokenFrame): Float64Array {
  return Float64Array.from(rows, (value, index) => value * scale + offset[index % offset.length]!);
}

/** Numbers as a host array of a dtype. */
export function asDType(values: ArrayLike<number>, dtype: FloatDType): Float32Array | Float64Array {
  return dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
}

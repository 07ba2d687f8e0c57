import { DdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';
import { describeFloat16Loss, float16Loss, fromFloat16, toFloat16 } from '@ddcl/core/safetensors';
import type { EncodedArray, EncodedPrecision } from './encoded.ts';

const sentence = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

/** Numbers of a vector along the last axis. */
const widthOf = (shape: readonly number[]): number => shape.at(-1)!;

function toInt8(data: Float32Array | Float64Array, width: number): { data: Int8Array; scales: Float32Array } {
  const scales = new Float32Array(data.length / width);
  const quantized = new Int8Array(data.length);
  scales.forEach((_, vector) => {
    const start = vector * width;
    let largest = 0;
    // Math.max passes NaN on.
    for (let index = start; index < start + width; index++) largest = Math.max(largest, Math.abs(data[index]!));
    if (!Number.isFinite(largest)) {
      throw new DdclError(
        'data',
        `int8 has a scale per vector, so its numbers must be finite, but vector ${vector} (counted from 0) holds ${largest}. Mend or leave out what it was made of.`,
      );
    }
    scales[vector] = largest / 127;
    const inverse = largest === 0 ? 0 : 127 / largest;
    for (let index = start; index < start + width; index++) quantized[index] = Math.round(data[index]! * inverse);
  });
  return { data: quantized, scales };
}

function toBits(data: Float32Array | Float64Array, width: number): Uint8Array {
  const bytes = Math.ceil(width / 8);
  const packed = new Uint8Array((data.length / width) * bytes);
  for (let index = 0; index < data.length; index++) {
    if (!(data[index]! > 0)) continue;
    const bit = index % width;
    packed[Math.floor(index / width) * bytes + (bit >> 3)]! |= 0x80 >> (bit & 7);
  }
  return packed;
}

/**
 * Numbers in fewer bits. float16 rounds to nearest; int8 has a scale per vector along the last axis; binary keeps signs.
 *
 * @throws DdclError `dtype` unless the numbers are float32 or float64; `data` for numbers that float16 does not hold or loses, or not finite for int8; `argument` for another precision
 */
export function quantize(
  data: Float32Array | Float64Array,
  shape: readonly number[],
  precision: EncodedPrecision,
): EncodedArray {
  requireFloats(data, 'Numbers');
  switch (precision) {
    case 'float32':
      return { precision: data instanceof Float64Array ? 'float64' : 'float32', shape, data };
    case 'float16': {
      const lost = float16Loss(data);
      if (lost >= 0)
        throw new DdclError(
          'data',
          `${sentence(describeFloat16Loss(data[lost]!))}. Ask for float32 or int8, or normalize.`,
        );
      return { precision, shape, data: toFloat16(data) };
    }
    case 'int8':
      return { precision, shape, ...toInt8(data, widthOf(shape)) };
    case 'binary':
      return { precision, shape, data: toBits(data, widthOf(shape)) };
    default:
      throw new DdclError(
        'argument',
        `precision must be 'float32', 'float16', 'int8' or 'binary', but is '${String(precision)}'.`,
      );
  }
}

/** The numbers that an encoded array stands for; +1 and -1 for the bits of `binary`. A copy, except for float32. */
export function dequantize({ precision, shape, data, scales }: EncodedArray): Float32Array {
  const width = widthOf(shape);
  switch (precision) {
    case 'float32':
      return data as Float32Array;
    case 'float64':
    case 'int32':
      return Float32Array.from(data);
    case 'float16':
      return fromFloat16(data as Uint16Array);
    case 'int8':
      return Float32Array.from(data, (value, index) => value * scales![Math.floor(index / width)]!);
    case 'binary': {
      const bytes = Math.ceil(width / 8);
      const numbers = shape.reduce((product, size) => product * size, 1);
      return Float32Array.from({ length: numbers }, (_, index) => {
        const bit = index % width;
        return data[Math.floor(index / width) * bytes + (bit >> 3)]! & (0x80 >> (bit & 7)) ? 1 : -1;
      });
    }
  }
}

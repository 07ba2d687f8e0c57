import { createRandom } from '@ddcl/core';
import { fromFloat16 } from '@ddcl/core/safetensors';
import { describe, expect, it } from 'vitest';
import { dequantize, normalizeVectors, quantize } from '../../src/index.ts';

const random = createRandom(5);
const values = Float32Array.from({ length: 6 * 13 }, () => random.normal());
const shape = [2, 3, 13];

describe('quantize', () => {
  it('keeps float32 as it is', () => {
    expect(quantize(values, shape, 'float32')).toEqual({ precision: 'float32', shape, data: values });
    expect(quantize(Float64Array.from(values), shape, 'float32').precision).toBe('float64');
  });

  it('float16 is off by at most 2^-11 of a number', () => {
    const half = quantize(values, shape, 'float16');
    fromFloat16(half.data as Uint16Array).forEach((x, i) =>
      expect(Math.abs(x - values[i]!)).toBeLessThanOrEqual(Math.abs(values[i]!) * 2 ** -11),
    );
    expect(() => quantize(Float32Array.of(1, 70000), [2], 'float16')).toThrow(
      'The number 70000 is not in float16, whose largest is 65504. Ask for float32 or int8, or normalize.',
    );
    expect(() => quantize(Float32Array.of(0, -3e-8), [2], 'float16')).toThrow(
      `The number ${Math.fround(-3e-8)} is the largest, and float16 loses what lies below 0.000061. Ask for float32 or int8, or normalize.`,
    );
  });

  it('int8 is off by at most half a step of its vector, zeros stay', () => {
    const small = values.slice().fill(0, 13, 26);
    const quantized = quantize(small, shape, 'int8');
    expect(quantized.scales).toHaveLength(6);
    dequantize(quantized).forEach((x, i) => {
      const row = small.subarray(Math.floor(i / 13) * 13, Math.floor(i / 13) * 13 + 13);
      const step = Math.max(...row.map(Math.abs)) / 127;
      expect(Math.abs(x - small[i]!)).toBeLessThanOrEqual(step / 2 + 1e-7);
    });
  });

  it('binary keeps signs, each vector in whole bytes, most significant bit first', () => {
    const bits = quantize(
      Float32Array.of(1, -1, 0, 2, -3, 1, 1, 1, 5, 0.1, -1, -1, -1, -1, -1, -1, 1, -1),
      [2, 9],
      'binary',
    );
    // As numpy.packbits([[1,-1,0,2,-3,1,1,1,5], [.1,-1,-1,-1,-1,-1,-1,1,-1]] > 0, axis=-1).
    expect([...bits.data]).toEqual([0b10010111, 0b10000000, 0b10000001, 0]);
    expect([...dequantize(bits)]).toEqual([1, -1, -1, 1, -1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, 1, -1]);
  });
});

describe('normalizeVectors', () => {
  it('gives length 1, also to numbers whose squares leave the range, and keeps zeros', () => {
    const data = Float64Array.of(3, 4, 0, 0, 3e-200, 4e-200, 3e200, 4e200);
    normalizeVectors(data, 2);
    expect(data[0]).toBeCloseTo(0.6, 14);
    expect([data[2], data[3]]).toEqual([0, 0]);
    expect(data[5]).toBeCloseTo(0.8, 14);
    expect(data[7]).toBeCloseTo(0.8, 14);
  });

  it('divides what is shorter than the floor by the floor', () => {
    const data = Float64Array.of(0.03, 0.04, 3, 4);
    normalizeVectors(data, 2, 0.5);
    expect([...data]).toEqual([0.06, 0.08, 0.6, 0.8]);
  });
});

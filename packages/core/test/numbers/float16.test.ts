import { describe, expect, it } from 'vitest';
import { fromFloat16, largestFloat16, toFloat16 } from '../../src/numbers/float16.ts';

/** Every finite binary16 number by its definition, ascending from 0. */
const positive = Array.from({ length: 0x7c00 }, (_, bits) => {
  const exponent = bits >> 10;
  const fraction = bits % 1024;
  return exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
});

describe('float16', () => {
  it('reads all 65,536 patterns', () => {
    const values = fromFloat16(Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits));
    const wrong = positive.flatMap((value, bits) =>
      Object.is(values[bits], value) && Object.is(values[bits + 0x8000], -value) ? [] : [bits],
    );
    expect(wrong).toEqual([]);
    expect(values[0x7bff]).toBe(largestFloat16);
    expect(values[0x7c00]).toBe(Infinity);
    expect(values[0xfc00]).toBe(-Infinity);
    expect(values.slice(0x7c01, 0x8000).every(Number.isNaN)).toBe(true);
  });

  it('writes every number back as it was', () => {
    const bits = Uint16Array.from({ length: 0x7c01 }, (_, pattern) => pattern);
    expect(toFloat16(fromFloat16(bits))).toEqual(bits);
    expect(toFloat16(Float32Array.of(-0, -1, NaN))).toEqual(Uint16Array.of(0x8000, 0xbc00, 0x7e00));
  });

  it('rounds what lies between two numbers to the nearer one, and ties to the even one', () => {
    const wrong = positive.slice(1).flatMap((high, bits) => {
      const low = positive[bits]!;
      const [middle, gap] = [(low + high) / 2, high - low];
      const even = bits % 2 === 0 ? bits : bits + 1;
      const got = toFloat16(Float32Array.of(middle - gap / 8, middle, middle + gap / 8));
      return got[0] === bits && got[1] === even && got[2] === bits + 1 ? [] : [[bits, ...got]];
    });
    expect(wrong).toEqual([]);
    // Half a unit above the largest number is where infinity begins.
    expect(toFloat16(Float32Array.of(65519, 65520, 1e9))).toEqual(Uint16Array.of(0x7bff, 0x7c00, 0x7c00));
  });
});

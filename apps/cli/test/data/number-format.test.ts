import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { decodeNumbers, firstNonFiniteOf } from '../../src/data/number-format.ts';

/** Largest finite, smallest, zeros, ones: none may be taken for more than it is. */
const finite = { f2: [0x7bff, 0xfbff, 0x0001, 0x8001, 0, 0x8000, 0x3c00], bf2: [0x7f7f, 0xff7f, 1, 0x8001, 0, 0x3f80] };
const spoilt = { f2: [0x7c00, 0xfc00, 0x7e00, 0xfdff], bf2: [0x7f80, 0xff80, 0x7fc0, 0xff81] };

describe.each(['f2', 'bf2'] as const)('firstNonFiniteOf %s', (format) => {
  const bytesOf = (halves: Uint16Array): Uint8Array =>
    new Uint8Array(halves.buffer, halves.byteOffset, halves.length * 2);
  const find = (halves: Uint16Array): number => {
    const numbers = new Float32Array(halves.length);
    decodeNumbers(format, bytesOf(halves), numbers, halves.length);
    return firstNonFiniteOf(format, bytesOf(halves), numbers, halves.length);
  };

  it.each([0, 1, 2, 3, 4, 5, 8, 9, 31])('finds each bad one among %i others, wherever they lie in memory', (length) => {
    const random = createRandom(length);
    for (const shift of [0, 1]) {
      const place = (): Uint16Array => new Uint16Array(length + 1 + shift).subarray(shift);
      const good = place().map(() => finite[format][random.integer(finite[format].length)]!);
      expect(find(good)).toBe(-1);
      for (let index = 0; index <= length; index++) {
        const bad = place();
        bad.set(good);
        bad[index] = spoilt[format][index % 4]!;
        expect(find(bad)).toBe(index);
      }
    }
  });
});

it('reads every half-precision number as itself, whatever the count', () => {
  const halves = Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits);
  for (const count of [1, 2, 3, 6, 0x7c00]) {
    const numbers = new Float32Array(count).fill(-1);
    decodeNumbers('f2', new Uint8Array(halves.buffer), numbers, count);
    // IEEE 754: (1 + fraction / 1024) * 2^(exponent - 15), without the 1 and with 2^-14 for exponent 0.
    numbers.forEach((value, bits) => {
      const [exponent, fraction] = [bits >> 10, bits % 1024];
      const expected = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      if (value !== expected) throw new Error(`bits ${bits} are ${expected}, read as ${value}`);
    });
  }
});

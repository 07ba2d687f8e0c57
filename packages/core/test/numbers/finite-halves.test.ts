import { expect, test } from 'vitest';
import { halvesAreFinite } from '../../src/numbers/finite-halves.ts';

const bad = [0x7c00, 0xfc00, 0x7c01, 0xfe00, 0xffff];

test('finds what is not finite at any place, in arrays of any length and alignment', () => {
  // The largest numbers, next to which a carry would show.
  const around = Uint16Array.of(0x7bff, 0xfbff, 0x0001, 0x8000);
  for (const offset of [0, 1]) {
    for (let length = 0; length < 12; length++) {
      const bits = new Uint16Array(length + offset).map((_, index) => around[index % 4]!).subarray(offset);
      expect(halvesAreFinite(bits)).toBe(true);
      for (let index = 0; index < length; index++) {
        for (const value of bad) {
          const spoilt = new Uint16Array(length + offset).subarray(offset);
          spoilt.set(bits);
          spoilt[index] = value;
          expect(halvesAreFinite(spoilt)).toBe(false);
        }
      }
    }
  }
});

test('says what is not finite of every pattern by itself', () => {
  const wrong = Array.from({ length: 1 << 16 }, (_, pattern) => pattern).filter(
    (pattern) => halvesAreFinite(Uint16Array.of(pattern)) !== ((pattern >> 10) % 32 !== 31),
  );
  expect(wrong).toEqual([]);
});

test('takes another format by its exponent bits', () => {
  expect(halvesAreFinite(Uint16Array.of(0x7c00, 0x7f7f, 0xff7f), 0x7f80)).toBe(true);
  expect(halvesAreFinite(Uint16Array.of(0x7f80), 0x7f80)).toBe(false);
  expect(halvesAreFinite(Uint16Array.of(0, 0, 0xffc0), 0x7f80)).toBe(false);
});

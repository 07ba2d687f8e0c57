import { requireFloats, requireHalves } from './require-floats.ts';

/** Largest finite binary16 number. */
export const largestFloat16 = 65504;

const words = new Uint32Array(1);
const single = new Float32Array(words.buffer);

/** The bits of a number as IEEE 754 binary16, rounded to nearest, ties to even; beyond 65504 (after rounding) infinity. */
function float16Bits(value: number): number {
  single[0] = value;
  const word = words[0]!;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  // NaN, then infinities and what rounds to them.
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: adding 0.5 puts the rounded fraction, a multiple of 2^-24, at the end of a float32's own.
    single[0] = Math.abs(single[0]!) + 0.5;
    return sign | (words[0]! - 0x3f000000);
  }
  // The exponent changes its bias from 127 to 15; half a unit less one, plus the last kept bit, rounds ties to even.
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/**
 * Numbers as IEEE 754 binary16, rounded to nearest, ties to even. float64 numbers go through float32 first.
 *
 * @param into where the bits go, of the same length; a new array if left out
 */
export function toFloat16(
  values: Float32Array | Float64Array,
  into: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  requireFloats(values, 'Numbers for half precision');
  for (let index = 0; index < values.length; index++) into[index] = float16Bits(values[index]!);
  return into;
}

let table: Float32Array | undefined;

function makeTable(): Float32Array {
  return Float32Array.from({ length: 1 << 16 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/**
 * The numbers that binary16 bits stand for, exactly.
 *
 * @param into where the numbers go, of the same length; a new array if left out
 */
export function fromFloat16(bits: Uint16Array, into: Float32Array = new Float32Array(bits.length)): Float32Array {
  requireHalves(bits, 'Numbers in half precision');
  table ??= makeTable();
  for (let index = 0; index < bits.length; index++) into[index] = table[bits[index]!]!;
  return into;
}

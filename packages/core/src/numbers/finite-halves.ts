/** Exponent bits of a half-precision number: all ones stand for infinities and NaN. */
const binary16Exponent = 0x7c00;

/**
 * Whether half-precision numbers are all finite, seen by their bits, two at a time.
 *
 * @param bits binary16, or another format of 16 bits
 * @param exponent the format's exponent bits; default binary16's, `0x7c00`; bfloat16 has `0x7f80`
 */
export function halvesAreFinite(bits: Uint16Array, exponent: number = binary16Exponent): boolean {
  const { buffer, byteOffset, length } = bits;
  if (length === 0) return true;
  // Pairs must lie at multiples of 4 bytes; one number may stand before the first pair, and one after the last.
  const before = byteOffset % 4 === 0 ? 0 : 1;
  const pairs = new Uint32Array(buffer, byteOffset + 2 * before, (length - before) >> 1);
  // One more than an exponent of ones carries into the sign's place, which the mask has left empty.
  const [mask, one] = [exponent * 0x10001, (0x8000 - exponent) * 0x10001];
  let [even, odd] = [0, 0];
  const end = pairs.length - (pairs.length % 2);
  for (let index = 0; index < end; index += 2) {
    even |= (pairs[index]! & mask) + one;
    odd |= (pairs[index + 1]! & mask) + one;
  }
  if (end < pairs.length) even |= (pairs[end]! & mask) + one;
  if (before === 1) odd |= (bits[0]! & exponent) + (one & 0xffff);
  if ((length - before) % 2 === 1) odd |= (bits[length - 1]! & exponent) + (one & 0xffff);
  return ((even | odd) & 0x80008000) === 0;
}

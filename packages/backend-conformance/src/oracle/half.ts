import type { ConcreteType, TypedArray } from '@ddcl/core/backend';

/** The number that binary16 bits stand for: sign, 5 bits of exponent, 10 of fraction. Finite ones only. */
function halfValue(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) % 32;
  const fraction = bits % 1024;
  return sign * (exponent === 0 ? fraction / 2 ** 24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** Elements as the oracle keeps them: numbers in double precision, also of float16, whose arrays hold bits. */
export function numbersOf({ dtype }: ConcreteType, data: TypedArray): Float64Array {
  return dtype === 'float16' ? Float64Array.from(data, halfValue) : Float64Array.from(data);
}

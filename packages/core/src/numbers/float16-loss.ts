import { largestFloat16 } from './float16.ts';

/** Smallest binary16 number that keeps all 11 bits, 2^-14; below it there are ever fewer. */
export const smallestFloat16: number = 2 ** -14;

/**
 * What half precision would lose beyond rounding: the place of a number that it does not reach, or of the largest one where none of them
 * reaches {@link smallestFloat16}, so that they keep few bits or become zeros. -1 where neither is so.
 */
export function float16Loss(values: Float32Array | Float64Array): number {
  let largest = 0;
  for (let index = 1; index < values.length; index++)
    if (Math.abs(values[index]!) > Math.abs(values[largest]!)) largest = index;
  const size = Math.abs(values[largest] ?? 0);
  // What lies between 65504 and 65520 rounds to 65504.
  return size >= largestFloat16 + 16 || (size > 0 && size < smallestFloat16) ? largest : -1;
}

/** Why, as a part of a message: `the number 1e-30 is the largest, and float16 has few bits below 6.1e-5`. */
export const describeFloat16Loss = (value: number): string =>
  Math.abs(value) < 1
    ? `the number ${value} is the largest, and float16 loses what lies below ${smallestFloat16.toPrecision(2)}`
    : `the number ${value} is not in float16, whose largest is ${largestFloat16}`;

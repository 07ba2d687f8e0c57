import { DdclError } from '../errors/ddcl-error.ts';
import { fromFloat16 } from '../numbers/float16.ts';
import { requireHalves } from '../numbers/require-floats.ts';
import type { TokenReader } from './token-source.ts';

/**
 * Tokens that lie in memory in half precision, as a reader. A backend that has float16 takes them as they are.
 *
 * @param bits `tokens * dimension` numbers as IEEE 754 binary16 (`toFloat16` makes them), row-major; kept, not copied
 * @param dimension length m of a token, >= 1
 * @throws DdclError `shape` if the lengths do not fit, `dtype` for what are no such bits
 */
export function tokensFromFloat16(bits: Uint16Array, dimension: number): TokenReader {
  requireHalves(bits, 'Tokens');
  const tokens = bits.length / dimension;
  if (!Number.isSafeInteger(dimension) || dimension < 1 || !Number.isSafeInteger(tokens)) {
    throw new DdclError(
      'shape',
      `${bits.length} numbers are not a whole number of tokens of dimension ${dimension}. Give the length of one token vector.`,
    );
  }
  const rows = (start: number, count: number): Uint16Array =>
    bits.subarray(start * dimension, (start + count) * dimension);
  return {
    dimension,
    tokens,
    read: async (start, count) => ({ data: fromFloat16(rows(start, count)), rows: count }),
    readHalf: async (start, target) => target.set(rows(start, target.length / dimension)),
  };
}

import { DdclError } from '../errors/ddcl-error.ts';
import { requireFloats } from '../numbers/require-floats.ts';
import type { TokenReader } from './token-source.ts';

/**
 * Tokens that lie in memory, as a reader.
 *
 * @param data `tokens * dimension` numbers, row-major; kept, not copied
 * @param dimension length m of a token, >= 1
 * @param weights a weight >= 0 per token; all 1 if left out
 * @throws DdclError `shape` if the lengths do not fit, `dtype` for numbers that are neither float32 nor float64
 */
export function tokensFromArray(
  data: Float32Array | Float64Array,
  dimension: number,
  weights?: Float32Array | Float64Array,
): TokenReader {
  requireFloats(data, 'Tokens');
  const tokens = data.length / dimension;
  if (!Number.isSafeInteger(dimension) || dimension < 1 || !Number.isSafeInteger(tokens)) {
    throw new DdclError(
      'shape',
      `${data.length} numbers are not a whole number of tokens of dimension ${dimension}. Give the length of one token vector.`,
    );
  }
  if (weights !== undefined) requireFloats(weights, 'The weights of tokens');
  if (weights !== undefined && weights.length !== tokens) {
    throw new DdclError(
      'shape',
      `There are ${tokens} tokens but ${weights.length} weights; give one weight per token.`,
    );
  }
  return {
    dimension,
    tokens,
    async read(start, count) {
      const block = { data: data.subarray(start * dimension, (start + count) * dimension), rows: count };
      return weights === undefined ? block : { ...block, weights: weights.subarray(start, start + count) };
    },
  };
}

import { DdclError } from '../errors/ddcl-error.ts';
import { firstNonFinite } from '../numbers/first-non-finite.ts';
import { fromFloat16 } from '../numbers/float16.ts';
import { halvesAreFinite } from '../numbers/finite-halves.ts';
import { requireFloats } from '../numbers/require-floats.ts';
import type { HalfBlock, TokenBlock } from './token-source.ts';

/**
 * Checks what a source has given before it reaches any arithmetic.
 *
 * @param first number of the block's first token within its pass, for messages
 * @throws DdclError `shape` for wrong lengths; `data` for NaN, infinities or negative weights, naming the token
 */
export function checkBlock(block: TokenBlock | HalfBlock, dimension: number, first: number): void {
  checkSizes(block, dimension, first);
  if ('finite' in block && block.finite) return;
  if (block.data instanceof Uint16Array && halvesAreFinite(block.data)) return;
  const data = block.data instanceof Uint16Array ? fromFloat16(block.data) : block.data;
  const bad = firstNonFinite(data);
  if (bad < 0) return;
  throw new DdclError(
    'data',
    `Token ${first + Math.floor(bad / dimension)} (counted from 0) holds ${data[bad]} in component ${bad % dimension}; tokens must be finite. Remove or repair it.`,
  );
}

/** The same without a look at the tokens' numbers, for those who look at them anyway. */
export function checkSizes({ data, rows, weights }: TokenBlock | HalfBlock, dimension: number, first: number): void {
  if (!(data instanceof Uint16Array)) requireFloats(data, `Tokens from number ${first} on`);
  if (data.length !== rows * dimension || (weights !== undefined && weights.length !== rows)) {
    throw new DdclError(
      'shape',
      `A block of ${rows} tokens of dimension ${dimension} takes ${rows * dimension} numbers and ${rows} weights, but has ${data.length} and ${weights?.length ?? 'none'}.`,
    );
  }
  if (weights === undefined) return;
  for (let row = 0; row < weights.length; row++) {
    if (weights[row]! >= 0 && weights[row]! < Infinity) continue;
    throw new DdclError(
      'data',
      `Token ${first + row} (counted from 0) has the weight ${weights[row]}; weights are finite and >= 0.`,
    );
  }
}

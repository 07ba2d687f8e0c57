import { DdclError } from '../errors/ddcl-error.ts';
import { firstNonFinite } from './first-non-finite.ts';
import type { TokenBlock } from './token-source.ts';

/**
 * Checks what a source has given before it reaches any arithmetic.
 *
 * @param first number of the block's first token within its pass, for messages
 * @throws DdclError `shape` for wrong lengths; `data` for NaN, infinities or negative weights, naming the token
 */
export function checkBlock(block: TokenBlock, dimension: number, first: number): void {
  if (
    block.data.length !== block.rows * dimension ||
    (block.weights !== undefined && block.weights.length !== block.rows)
  ) {
    throw new DdclError(
      'shape',
      `A block of ${block.rows} tokens of dimension ${dimension} takes ${block.rows * dimension} numbers and ${block.rows} weights, but has ${block.data.length} and ${block.weights?.length ?? 'none'}.`,
    );
  }
  const { data, weights } = block;
  const bad = firstNonFinite(data);
  if (bad >= 0) {
    throw new DdclError(
      'data',
      `Token ${first + Math.floor(bad / dimension)} (counted from 0) holds ${data[bad]} in component ${bad % dimension}; tokens must be finite. Remove or repair it.`,
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

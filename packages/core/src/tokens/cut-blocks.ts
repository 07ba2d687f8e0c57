import { DdclError } from '../errors/ddcl-error.ts';
import { checkSizes } from './check-block.ts';
import type { DeviceBlock } from './device-blocks.ts';
import type { HalfBlock, TokenBlock } from './token-source.ts';

/** Arrays that blocks are given out in, again and again: `weights.length` rows. */
export interface BlockArrays {
  readonly data: DeviceBlock['data'];
  readonly weights: Float32Array | Float64Array;
  readonly dimension: number;
}

/** Part of a block of a pass, and where it goes. */
export interface BlockPart<Block> {
  readonly block: Block;
  /** First row of the part in the block. */
  readonly from: number;
  /** Row of the arrays that it goes to. */
  readonly to: number;
  readonly count: number;
  /** Number of the block's first token within the pass. */
  readonly first: number;
}

export interface CutOptions {
  /** The most tokens, >= 1, of the block that begins with the token of this number, where that may be fewer than fit. */
  readonly cut?: ((first: number) => number) | undefined;
}

/**
 * Cuts a pass into blocks of exactly as many rows as the arrays have; rows beyond the tokens are zeros of weight 0.
 *
 * @param copyRows writes the rows of a part into the arrays' data
 * @throws DdclError `argument` for a cut that is no whole number >= 1; as {@link checkSizes} does, and `copyRows`
 */
export async function* cutBlocks<Block extends TokenBlock | HalfBlock>(
  blocks: AsyncIterable<Block>,
  { data, weights, dimension }: BlockArrays,
  copyRows: (part: BlockPart<Block>) => void,
  { cut }: CutOptions = {},
): AsyncGenerator<DeviceBlock> {
  const sizeFrom = (token: number): number => {
    const most = Math.min(weights.length, cut?.(token) ?? Infinity);
    // A block of no tokens would be followed by another one, without end.
    if (Number.isSafeInteger(most) && most >= 1) return most;
    throw new DdclError(
      'argument',
      `cut must give a whole number of tokens >= 1, but gave ${most} for the block from token ${token} on.`,
    );
  };
  let size = 0;
  let rows = 0;
  let weight = 0;
  let first = 0;
  const finish = (): DeviceBlock => {
    data.fill(0, rows * dimension);
    weights.fill(0, rows);
    const block = { data, weights, rows, weight };
    rows = 0;
    weight = 0;
    return block;
  };
  for await (const block of blocks) {
    checkSizes(block, dimension, first);
    for (let from = 0; from < block.rows;) {
      if (rows === 0) size = sizeFrom(first + from);
      const count = Math.min(size - rows, block.rows - from);
      copyRows({ block, from, to: rows, count, first });
      for (let row = 0; row < count; row++) {
        const own = block.weights === undefined ? 1 : block.weights[from + row]!;
        weights[rows + row] = own;
        weight += own;
      }
      from += count;
      rows += count;
      if (rows === size) yield finish();
    }
    first += block.rows;
  }
  if (rows > 0) yield finish();
}

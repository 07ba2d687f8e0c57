import { checkBlock } from './check-block.ts';
import { cutBlocks, type BlockPart, type CutOptions } from './cut-blocks.ts';
import type { DeviceBlock } from './device-blocks.ts';
import type { HalfBlock } from './token-source.ts';

/**
 * Cuts a pass over tokens in half precision into blocks of exactly `size` rows, as they are. The arrays are reused: a block is valid
 * until the next one is asked for.
 */
export function deviceHalfBlocks(
  blocks: AsyncIterable<HalfBlock>,
  size: number,
  dimension: number,
  options: CutOptions = {},
): AsyncGenerator<DeviceBlock> {
  const data = new Uint16Array(size * dimension);
  const weights = new Float32Array(size);
  return cutBlocks(blocks, { data, weights, dimension }, copyRows, options);

  function copyRows({ block, from, to, count, first }: BlockPart<HalfBlock>): void {
    // A block is looked at as a whole, with its first part.
    if (from === 0) checkBlock(block, dimension, first);
    data.set(block.data.subarray(from * dimension, (from + count) * dimension), to * dimension);
  }
}

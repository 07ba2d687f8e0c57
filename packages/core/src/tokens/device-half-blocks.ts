import { checkBlock } from './check-block.ts';
import type { DeviceBlock } from './device-blocks.ts';
import type { HalfBlock } from './token-source.ts';

/**
 * Cuts a pass over tokens in half precision into blocks of exactly `size` rows, as they are. The arrays are reused: a block is valid
 * until the next one is asked for.
 */
export async function* deviceHalfBlocks(
  blocks: AsyncIterable<HalfBlock>,
  size: number,
  dimension: number,
): AsyncGenerator<DeviceBlock> {
  const data = new Uint16Array(size * dimension);
  const weights = new Float32Array(size);
  let rows = 0;
  let weight = 0;
  let seen = 0;
  const finish = (): DeviceBlock => {
    data.fill(0, rows * dimension);
    weights.fill(0, rows);
    const block = { data, weights, rows, weight };
    rows = 0;
    weight = 0;
    return block;
  };
  for await (const block of blocks) {
    checkBlock(block, dimension, seen);
    for (let taken = 0; taken < block.rows;) {
      const count = Math.min(size - rows, block.rows - taken);
      data.set(block.data.subarray(taken * dimension, (taken + count) * dimension), rows * dimension);
      for (let row = 0; row < count; row++) {
        const own = block.weights === undefined ? 1 : block.weights[taken + row]!;
        weights[rows + row] = own;
        weight += own;
      }
      taken += count;
      rows += count;
      if (rows === size) yield finish();
    }
    seen += block.rows;
  }
  if (rows > 0) yield finish();
}

import type { HalfBlock, TokenBlock, TokenSource } from './token-source.ts';

/** A source whose blocks are shown to `see` on their way: what the host collects while a device computes needs no pass of its own. */
export function watchSource(source: TokenSource, see: (block: TokenBlock | HalfBlock) => void): TokenSource {
  async function* watched<Block extends TokenBlock | HalfBlock>(blocks: AsyncIterable<Block>): AsyncGenerator<Block> {
    for await (const block of blocks) {
      see(block);
      yield block;
    }
  }
  const { dimension, tokens } = source;
  const seen: TokenSource = { dimension, tokens, blocks: (order) => watched(source.blocks(order)) };
  if (source.halfBlocks === undefined) return seen;
  return { ...seen, halfBlocks: (order) => watched(source.halfBlocks!(order)) };
}

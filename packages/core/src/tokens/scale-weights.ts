import type { HalfBlock, TokenBlock, TokenSource } from './token-source.ts';

/**
 * The power of two that brings a mean weight near 1, by which nothing is rounded: results are per unit of weight, and sums of weights
 * in float32 must not leave its range.
 */
export const weightFactor = (mean: number): number => 2 ** Math.min(1023, -Math.round(Math.log2(mean)));

/** The source with its weights multiplied by a factor. */
export function scaleWeights(source: TokenSource, factor: number): TokenSource {
  if (factor === 1) return source;
  async function* scaled<Block extends TokenBlock | HalfBlock>(blocks: AsyncIterable<Block>): AsyncGenerator<Block> {
    for await (const block of blocks) {
      const { rows, weights = new Float64Array(rows).fill(1) } = block;
      yield { ...block, weights: Float64Array.from(weights, (weight) => weight * factor) };
    }
  }
  const { dimension, tokens, halfBlocks } = source;
  return {
    dimension,
    tokens,
    blocks: (order) => scaled(source.blocks(order)),
    ...(halfBlocks === undefined ? {} : { halfBlocks: (order) => scaled(source.halfBlocks!(order)) }),
  };
}

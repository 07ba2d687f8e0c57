import type { Backend } from '../backend/contract.ts';
import { blockRows } from '../tokens/block-size.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { createMeasurer, type MeasuredQuantities } from './measure.ts';
import { feedState } from './feed-state.ts';
import type { PrototypeState } from './prototype-state.ts';
import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { uploadBlock, type ResidentBlock } from './sum-blocks.ts';

export interface MeasureSourceOptions {
  /** Number of tokens, for the size of blocks. */
  readonly tokens: number;
  /** Trace of the tokens' covariance, in their own units. */
  readonly totalVariance: number;
  readonly signal?: AbortSignalLike | undefined;
  /** Called with the tokens measured so far. */
  readonly onProgress?: ((tokens: number) => void) | undefined;
  /**
   * Called with the nearest prototype of each token (ties go to the lowest), some tokens at a time, in stored order. A token of weight 0
   * may get any.
   */
  readonly onCodes?: ((codes: Int32Array) => void) | undefined;
}

/**
 * All quantities of docs/math.md section 2 for given prototypes at a given temperature, in one pass over the tokens
 * in stored order. Memory is that of one block.
 *
 * @throws DdclError `data` if no token has a positive weight or a token is not finite
 */
export async function measureSource(
  backend: Backend,
  source: TokenSource,
  given: PrototypeState,
  { tokens, totalVariance, signal, onProgress, onCodes }: MeasureSourceOptions,
): Promise<MeasuredQuantities> {
  const { state, feed } = feedState(backend, source, given);
  const { dimension, count, dtype } = state;
  const rows = blockRows({ tokens, dimension, prototypes: count }, dtype, backend.capabilities);
  let weight = 0;
  let seen = 0;
  let inBlock = 0;
  async function* blocks(): AsyncGenerator<ResidentBlock> {
    for await (const block of feed.blocks('stored', rows)) {
      weight += block.weight;
      seen += block.rows;
      inBlock = block.rows;
      yield uploadBlock(backend, block, dtype);
      onProgress?.(seen);
    }
  }
  const measurer = await createMeasurer(backend, {
    rows,
    count,
    dimension,
    dtype,
    tokenDtype: feed.dtype,
    withCodes: onCodes !== undefined,
  });
  const placed = feed.uploadFrame();
  try {
    return await measurer.measure(blocks(), () => weight, state, totalVariance, {
      signal,
      frame: placed,
      // What fills up a block is no token.
      onCodes: onCodes && ((codes) => onCodes(codes.subarray(0, inBlock))),
    });
  } finally {
    for (const buffer of placed) backend.free(buffer);
    measurer.dispose();
  }
}

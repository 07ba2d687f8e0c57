import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { DeviceBlock } from '../tokens/device-blocks.ts';

/** A block of tokens on the device. */
export interface ResidentBlock {
  readonly tokens: DeviceBuffer;
  readonly weights: DeviceBuffer;
}

/** A block on the device, and where it stands in its pass. */
export interface PlacedBlock extends ResidentBlock {
  /** Number of its first token. */
  readonly first: number;
  /** Tokens in it. */
  readonly rows: number;
  /** Their weights, on the host. */
  readonly tokenWeights: Float32Array | Float64Array;
  /** The sum of these. */
  readonly weight: number;
}

/**
 * Copies a block to the device. The caller frees both buffers; if it fails, there are none.
 *
 * @param dtype of the program, and of tokens that are not in half precision
 */
export function uploadBlock(backend: Backend, block: DeviceBlock, dtype: FloatDType): ResidentBlock {
  const size = block.weights.length;
  const tokenDtype = block.data instanceof Uint16Array ? 'float16' : dtype;
  const tokens = backend.upload({ dtype: tokenDtype, shape: [size, block.data.length / size] }, block.data);
  try {
    return { tokens, weights: backend.upload({ dtype, shape: [size] }, block.weights) };
  } catch (error) {
    backend.free(tokens);
    throw error;
  }
}

export function freeBlock(backend: Backend, { tokens, weights }: ResidentBlock): void {
  backend.free(tokens);
  backend.free(weights);
}

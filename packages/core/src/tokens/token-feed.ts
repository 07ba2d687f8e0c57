import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import type { FloatDType } from '../program/dtype.ts';
import { mul, sub } from '../program/ops/elementwise.ts';
import { cast } from '../program/ops/create.ts';
import { tensorType, type TensorType } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';
import { deviceBlocks, type DeviceBlock, type TokenFrame } from './device-blocks.ts';
import type { CutOptions } from './cut-blocks.ts';
import { deviceHalfBlocks } from './device-half-blocks.ts';
import type { PassOrder, TokenSource } from './token-source.ts';

/** Dtype in which a program takes its tokens: in the frame, or in half precision as they are kept. */
export type TokenDType = FloatDType | 'float16';

export interface FeedOptions extends CutOptions {
  /** Keep the numbers of tokens of weight 0, for programs that do not sum. Default: zeros, since 0 times an overflow is NaN. */
  readonly keepUnweighted?: boolean | undefined;
}

/** How the tokens of a source reach programs on a backend. */
export interface TokenFeed {
  readonly dtype: TokenDType;
  /** Where programs see the tokens. For half precision its offset is rounded to float32, since the device takes it off. */
  readonly frame: TokenFrame;
  /** One pass, cut into blocks of exactly `size` rows. The arrays are reused: a block is valid until the next one is asked for. */
  blocks(order: PassOrder, size: number, options?: FeedOptions): AsyncIterable<DeviceBlock>;
  /** What a program of {@link frameParameters} takes; the caller frees it; if it fails, there is nothing. */
  uploadFrame(): DeviceBuffer[];
}

/**
 * Tokens that are kept in half precision go to a backend that has float16 as they are, where the program computes in float32: the
 * host touches half the bytes and converts nothing. All others are framed on the host, in double precision.
 *
 * @param dtype in which the programs compute
 */
export function tokenFeed(backend: Backend, source: TokenSource, frame: TokenFrame, dtype: FloatDType): TokenFeed {
  const { dimension } = source;
  if (source.halfBlocks === undefined || dtype !== 'float32' || !backend.capabilities.dtypes.includes('float16')) {
    return {
      dtype,
      frame,
      blocks: (order, size, options) =>
        deviceBlocks(source.blocks(order), { size, dimension, dtype, frame, ...options }),
      uploadFrame: () => [],
    };
  }
  const offset = Float32Array.from(frame.offset);
  return {
    dtype: 'float16',
    frame: { offset: Float64Array.from(offset), scale: frame.scale },
    blocks: (order, size, options) => deviceHalfBlocks(source.halfBlocks!(order), size, dimension, options),
    uploadFrame: () => {
      const first = backend.upload({ dtype: 'float32', shape: [dimension] }, offset);
      try {
        return [first, backend.upload({ dtype: 'float32', shape: [] }, Float32Array.of(1 / frame.scale))];
      } catch (error) {
        backend.free(first);
        throw error;
      }
    },
  };
}

/** Parameters that a program has after all others for {@link framedTokens}: offset [m] and 1 / scale [] for half precision, else none. */
export function frameParameters(dtype: TokenDType, dimension: number): TensorType[] {
  return dtype === 'float16' ? [tensorType('float32', [dimension]), tensorType('float32', [])] : [];
}

/** Tokens in the frame, from a program's tokens and its frame parameters: `(z - offset) / scale` for half precision. */
export function framedTokens(tokens: Tensor, [offset, inverseScale]: readonly Tensor[]): Tensor {
  if (offset === undefined || inverseScale === undefined) return tokens;
  return mul(sub(cast(tokens, 'float32'), offset), inverseScale);
}

import type { FloatDType } from '../program/dtype.ts';
import { requireFloats } from '../numbers/require-floats.ts';
import { checkBlock } from './check-block.ts';
import { cutBlocks, type BlockPart, type CutOptions } from './cut-blocks.ts';
import type { TokenBlock } from './token-source.ts';

/** The affine map from tokens as they come to tokens as programs see them: `(z - offset) / scale`. */
export interface TokenFrame {
  /** Any fixed vector near the mean, [m]; float32 differences of far-away numbers would lose digits. */
  readonly offset: Float64Array;
  /** One positive number for all components, so that distances keep their proportions. */
  readonly scale: number;
}

/** A block of a fixed number of rows as a program takes it; rows beyond `rows` are zeros of weight 0. */
export interface DeviceBlock {
  /** In the frame, tokens of weight 0 as zeros; or in half precision as they came, for a program that maps them into the frame. */
  readonly data: Float32Array | Float64Array | Uint16Array;
  readonly weights: Float32Array | Float64Array;
  /** Tokens in it, 1..size. */
  readonly rows: number;
  /** Sum of their weights. */
  readonly weight: number;
}

export interface DeviceBlockOptions extends CutOptions {
  readonly size: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  readonly frame: TokenFrame;
  /** Keep the numbers of tokens of weight 0, for programs that do not sum. Default: zeros, since 0 times an overflow is NaN. */
  readonly keepUnweighted?: boolean | undefined;
}

/**
 * Cuts a pass into blocks of exactly `size` rows, mapped into a frame. The arrays are
 * reused: a block is valid until the next one is asked for.
 */
export function deviceBlocks(
  blocks: AsyncIterable<TokenBlock>,
  { size, dimension, dtype, frame, keepUnweighted = false, cut }: DeviceBlockOptions,
): AsyncGenerator<DeviceBlock> {
  const make = (length: number): Float32Array | Float64Array =>
    dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
  const data = make(size * dimension);
  const { offset } = frame;
  const inverse = 1 / frame.scale;
  return cutBlocks(blocks, { data, weights: make(size), dimension }, copyRows, { cut });

  function copyRows({ block, from, to, count, first }: BlockPart<TokenBlock>): void {
    if (from === 0) requireFloats(block.data, `Tokens from number ${first} on`);
    const bad = mapRows(block.data, from * dimension, data, to * dimension, count, offset, inverse);
    // Names the token; or finds nothing, where only the map has left the numbers' range.
    if (bad !== 0) checkBlock(block, dimension, first);
    if (block.weights === undefined || keepUnweighted) return;
    for (let row = 0; row < count; row++) {
      if (block.weights[from + row] === 0) data.fill(0, (to + row) * dimension, (to + row + 1) * dimension);
    }
  }
}

/**
 * Writes `(from - offset) * inverse` for rows of numbers. Returns 0 if all are finite, else NaN: asking here is nearly free, since this
 * waits for memory and conversions.
 */
export function mapRows(
  from: Float32Array | Float64Array,
  fromStart: number,
  to: Float32Array | Float64Array,
  toStart: number,
  rows: number,
  offset: Float64Array,
  inverse: number,
): number {
  const dimension = offset.length;
  const end = dimension - (dimension % 4);
  let bad = 0;
  for (let row = 0; row < rows; row++) {
    const source = fromStart + row * dimension;
    const target = toStart + row * dimension;
    // Four at a time: this runs over every number of every pass, and the loop itself is half of its time.
    for (let axis = 0; axis < end; axis += 4) {
      const a = (from[source + axis]! - offset[axis]!) * inverse;
      const b = (from[source + axis + 1]! - offset[axis + 1]!) * inverse;
      const c = (from[source + axis + 2]! - offset[axis + 2]!) * inverse;
      const d = (from[source + axis + 3]! - offset[axis + 3]!) * inverse;
      to[target + axis] = a;
      to[target + axis + 1] = b;
      to[target + axis + 2] = c;
      to[target + axis + 3] = d;
      bad += a - a + (b - b) + (c - c) + (d - d);
    }
    for (let axis = end; axis < dimension; axis++) {
      const value = (from[source + axis]! - offset[axis]!) * inverse;
      to[target + axis] = value;
      bad += value - value;
    }
  }
  return bad;
}

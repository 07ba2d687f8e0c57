import { DdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';
import { describe, requireArgument, requireList, requireObject } from '../checks/require.ts';

/** Vectors to quantize, of any rank: a sequence [B, T, m], an image [B, C, H, W] with `channelAxis` 1, or a list [n, m]. */
export interface Latents {
  /** Row-major. */
  readonly data: Float32Array | Float64Array;
  readonly shape: readonly number[];
  /** Which axis holds the components of a vector; counted from the back if negative. Default the last. */
  readonly channelAxis?: number;
  /** A weight >= 0 for each vector (a mask of zeros and ones), in the order of `shape` without the channels. 0: padding, of which nothing depends. */
  readonly weights?: ArrayLike<number>;
}

/** Latents as rows. */
export interface LatentRows {
  /** [n, m]; zeros where the weight is 0. */
  readonly rows: Float32Array;
  readonly weights: Float32Array;
  readonly count: number;
  /** The shape without the channels. */
  readonly places: readonly number[];
  readonly channelAxis: number;
}

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);

/**
 * @param dimension m, which the channel axis must have
 * @throws DdclError `dtype` for numbers that are neither float32 nor float64; `shape` for sizes that do not fit; `data` for numbers that are not finite, or weights that are not >= 0
 */
export function latentRows(latents: Latents, dimension: number): LatentRows {
  requireObject('Latents', latents, `an object such as { data, shape: [n, ${dimension}] }`);
  const { data, shape } = latents;
  requireFloats(data, "The latents' data");
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0) || shape.length === 0)
    throw new DdclError('argument', `Latents need a shape such as [n, ${dimension}], but got ${describe(shape)}.`);
  const rank = shape.length;
  const given = latents.channelAxis === undefined ? -1 : latents.channelAxis;
  requireArgument('channelAxis', given, Number.isSafeInteger(given), 'a whole number');
  const channelAxis = given < 0 ? given + rank : given;
  if (!(Number.isSafeInteger(channelAxis) && channelAxis >= 0 && channelAxis < rank)) {
    throw new DdclError(
      'argument',
      `channelAxis must be one of the ${rank} axes of [${shape.join(', ')}], but is ${describe(given)}.`,
    );
  }
  if (shape[channelAxis] !== dimension || data.length !== product(shape)) {
    throw new DdclError(
      'shape',
      `The quantizer takes vectors of ${dimension} components, here along axis ${channelAxis}, but got ${data.length} numbers of shape [${shape.join(', ')}].`,
      { shapes: [shape] },
    );
  }
  const places = shape.filter((_, axis) => axis !== channelAxis);
  const count = product(places);
  const weights = checkWeights(latents.weights, count, places);
  const rows = new Float32Array(count * dimension);
  const inner = product(shape.slice(channelAxis + 1));
  for (let row = 0; row < count; row++) {
    if (!(weights[row]! > 0)) continue;
    const start = Math.floor(row / inner) * dimension * inner + (row % inner);
    for (let component = 0; component < dimension; component++) {
      const value = data[start + component * inner]!;
      rows[row * dimension + component] = value;
      if (Number.isFinite(rows[row * dimension + component])) continue;
      throw new DdclError(
        'data',
        `Latents must be finite numbers of float32, but component ${component} of vector ${row} is ${value}. Look at what made them, or give that vector the weight 0.`,
      );
    }
  }
  return { rows, weights, count, places, channelAxis };
}

/** The weights at a scale of their own. @throws DdclError `shape` for another number of weights; `data` for weights that are not finite and >= 0 */
export function checkWeights(
  weights: ArrayLike<number> | undefined,
  count: number,
  places: readonly number[],
): Float32Array {
  if (weights === undefined) return new Float32Array(count).fill(1);
  requireList('weights', weights);
  if (weights.length !== count) {
    throw new DdclError(
      'shape',
      `Latents [${places.join(', ')}] take ${count} weights, one per vector, but got ${weights.length}.`,
      { shapes: [places] },
    );
  }
  for (let vector = 0; vector < count; vector++) {
    const weight: unknown = weights[vector];
    if (typeof weight === 'number' && weight >= 0 && weight < Infinity) continue;
    throw new DdclError(
      'data',
      `Weights must be finite numbers >= 0, but that of vector ${vector} is ${describe(weight)}.`,
    );
  }
  return scaledWeights(weights);
}

/** Least weight that is told from 0 in sums of float32. */
const leastWeight = 2 ** -120;

/** Weights with the largest in 1..2, by a power of two: all results are per unit of weight, and float32 has their sums at any scale. */
export function scaledWeights(weights: ArrayLike<number>): Float32Array {
  let largest = 0;
  for (let index = 0; index < weights.length; index++) largest = Math.max(largest, weights[index]!);
  if (largest === 0) return new Float32Array(weights.length);
  // In two steps, as the inverse of the smallest numbers is none.
  const half = 2 ** Math.floor(-Math.floor(Math.log2(largest)) / 2);
  const other = 2 ** (-Math.floor(Math.log2(largest)) - Math.log2(half));
  return Float32Array.from({ length: weights.length }, (_, index) =>
    weights[index]! > 0 ? Math.max(leastWeight, weights[index]! * half * other) : 0,
  );
}

/** Rows [n, m] in the layout of their latents. */
export function toLayout(
  rows: Float32Array,
  { places, channelAxis }: Pick<LatentRows, 'places' | 'channelAxis'>,
): Float32Array {
  const inner = product(places.slice(channelAxis));
  if (inner === 1) return rows;
  const count = product(places);
  const dimension = count === 0 ? 0 : rows.length / count;
  const made = new Float32Array(rows.length);
  for (let row = 0; row < count; row++) {
    const start = Math.floor(row / inner) * dimension * inner + (row % inner);
    for (let component = 0; component < dimension; component++)
      made[start + component * inner] = rows[row * dimension + component]!;
  }
  return made;
}

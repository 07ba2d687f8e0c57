import { DdclError } from '@ddcl/core';
import { isOneOfArrays, requireArgument, requireObject } from '../checks/require.ts';
import { tokensFromReader, type TokenSource } from '@ddcl/core/fit';

/** Images of one size. */
export interface Images {
  /** Row-major, channels last: bytes 0..255, or numbers 0..1. */
  readonly data: Uint8Array | Uint8ClampedArray | Float32Array;
  /** [images, height, width, channels] */
  readonly shape: readonly [number, number, number, number];
}

/** How images are cut: blocks of `context` x `context` patches, each patch `patch` x `patch` pixels. */
export interface BlockLayout {
  readonly patch: number;
  readonly context: number;
  readonly channels: number;
}

/** Numbers of a block. */
export const blockWidth = ({ patch, context, channels }: BlockLayout): number =>
  context * context * patch * patch * channels;

/** Patches of a block. */
export const patchesPerBlock = ({ context }: BlockLayout): number => context * context;

export interface PixelScale {
  /** Of all pixels and channels, in 0..1. */
  readonly mean: number;
  /** > 0 */
  readonly deviation: number;
}

/** Images cut into blocks, which are read when they are needed. */
export interface BlockReader {
  readonly blocks: number;
  /** Blocks of an image, down and across. */
  readonly grid: readonly [number, number];
  /** Writes blocks by number as rows of {@link blockWidth} scaled numbers: patch by patch, each row by row, channels last. */
  read(numbers: ArrayLike<number>, target: Float32Array): void;
  /** All blocks in order. */
  source(): TokenSource;
}

/** @throws DdclError `argument` for what are no images; `shape` for another number of numbers */
export function requireImages(images: Images): void {
  requireObject('Images', images, 'an object { data, shape: [images, height, width, channels] }');
  const { data, shape } = images;
  const isData = isOneOfArrays(data, 'Uint8Array', 'Uint8ClampedArray', 'Float32Array');
  requireArgument("The images' data", data, isData, 'a Uint8Array, a Uint8ClampedArray or a Float32Array');
  const isShape =
    Array.isArray(shape) && shape.length === 4 && shape.every((size) => Number.isSafeInteger(size) && size > 0);
  requireArgument("The images' shape", shape, isShape, '[images, height, width, channels]');
  if (data.length === shape.reduce((product, size) => product * size, 1)) return;
  throw new DdclError(
    'shape',
    `Images of shape [${shape.join(', ')}] have another number of numbers than the ${data.length} that came.`,
  );
}

/** @throws DdclError `shape` or `data` for images that do not fit the layout, or numbers that are no pixels */
export function blockReader(images: Images, layout: BlockLayout, scale: PixelScale): BlockReader {
  checkImages(images, layout);
  const { data, shape } = images;
  const [count, height, width, channels] = shape;
  const { patch, context } = layout;
  const side = patch * context;
  const [down, across] = [height / side, width / side];
  const blocks = count * down * across;
  const unit = (data instanceof Float32Array ? 1 : 1 / 255) / scale.deviation;
  const shift = scale.mean / scale.deviation;
  const size = blockWidth(layout);
  const read = (numbers: ArrayLike<number>, target: Float32Array): void => {
    let to = 0;
    for (let index = 0; index < numbers.length; index++) {
      const block = numbers[index]!;
      const image = Math.floor(block / (down * across));
      const top = (Math.floor(block / across) % down) * side;
      const left = (block % across) * side;
      for (let patchRow = 0; patchRow < context; patchRow++) {
        for (let patchColumn = 0; patchColumn < context; patchColumn++) {
          for (let row = 0; row < patch; row++) {
            const y = top + patchRow * patch + row;
            let from = ((image * height + y) * width + left + patchColumn * patch) * channels;
            for (let number = 0; number < patch * channels; number++) target[to++] = data[from++]! * unit - shift;
          }
        }
      }
    }
  };
  return {
    blocks,
    grid: [down, across],
    read,
    source: () =>
      tokensFromReader({
        dimension: size,
        tokens: blocks,
        async read(start, rows) {
          const made = new Float32Array(rows * size);
          read(
            Array.from({ length: rows }, (_, index) => start + index),
            made,
          );
          return { data: made, rows };
        },
      }),
  };
}

/** Mean and deviation of all numbers, in 0..1. @throws DdclError `data` for images of one colour */
export function pixelScale({ data }: Images): PixelScale {
  const unit = data instanceof Float32Array ? 1 : 1 / 255;
  let [sum, squares] = [0, 0];
  for (let index = 0; index < data.length; index++) {
    const value = data[index]! * unit;
    sum += value;
    squares += value * value;
  }
  const mean = sum / data.length;
  const deviation = Math.sqrt(Math.max(0, squares / data.length - mean * mean));
  if (deviation > 1e-6) return { mean, deviation };
  throw new DdclError('data', 'All pixels of these images are alike: there is nothing to learn. Give other images.');
}

function checkImages(images: Images, { patch, context, channels }: BlockLayout): void {
  requireImages(images);
  const { data, shape } = images;
  const [, height, width, own] = shape;
  const side = patch * context;
  if (own !== channels || height % side !== 0 || width % side !== 0) {
    throw new DdclError(
      'shape',
      `The autoencoder takes images of ${channels} channels whose height and width are multiples of ${side} (${context} patches of ${patch} pixels), but got ${height} x ${width} with ${own}.`,
      { shapes: [shape] },
    );
  }
  if (!(data instanceof Float32Array)) return;
  const bad = data.findIndex((value) => !(value >= 0 && value <= 1));
  if (bad >= 0) throw new DdclError('data', `Pixels are bytes, or numbers in 0..1, but number ${bad} is ${data[bad]}.`);
}

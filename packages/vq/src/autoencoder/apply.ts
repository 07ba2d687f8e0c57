import { add, broadcastTo, DdclError, mul, reshape, scalar } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { requireArgument, requireBackend, requireList, requireObject } from '../checks/require.ts';
import { createDecoder } from '../apply/decode.ts';
import { rowSource } from '../apply/row-pass.ts';
import { assignCodes } from '../part/assign.ts';
import { codesPerVector } from '../spec/layout.ts';
import { requireAutoencoder, type Autoencoder } from './autoencoder.ts';
import { openBlockPass } from './block-pass.ts';
import { blockReader, blockWidth, patchesPerBlock, type Images } from './images.ts';
import { decodeBlocks, encodeBlocks } from './network.ts';

/** Codes of images. */
export interface ImageCodes {
  readonly indices: Int32Array;
  /** [images, patches down, patches across, H D] */
  readonly shape: readonly [number, number, number, number];
}

/** Numbers of patches, in the order in which blocks hold them, as places of the grid of patches of their image. */
function patchPlace(block: number, patch: number, grid: readonly [number, number], context: number): number {
  const [down, across] = grid;
  const image = Math.floor(block / (down * across));
  const row = (Math.floor(block / across) % down) * context + Math.floor(patch / context);
  const column = (block % across) * context + (patch % context);
  return (image * down * context + row) * across * context + column;
}

/**
 * The codes of images.
 *
 * @throws DdclError `shape` or `data` for images of other sizes or channels, or that are no pixels; whatever the backend throws
 */
export async function encodeImages(backend: Backend, model: Autoencoder, images: Images): Promise<ImageCodes> {
  requireBackend(backend);
  const spec = requireAutoencoder(model);
  const { sizes } = model;
  const reader = blockReader(images, sizes, model.pixels);
  const [patches, perPatch] = [patchesPerBlock(sizes), codesPerVector(spec)];
  const pass = await openBlockPass(backend, model, reader.source(), (x, _a, networks, tensors) => {
    const z = encodeBlocks(sizes, networks, x);
    const rows = Number(x.shape[0]);
    const ones = broadcastTo(scalar(x, 1), [rows * patches]);
    return { perToken: [reshape(assignCodes(spec, tensors, z, ones).indices, [rows, patches * perPatch])] };
  });
  try {
    const indices = new Int32Array(reader.blocks * patches * perPatch);
    for await (const { first, rows, perToken } of pass.blocks(model)) {
      for (let block = 0; block < rows; block++) {
        for (let patch = 0; patch < patches; patch++) {
          const at = patchPlace(first + block, patch, reader.grid, sizes.context) * perPatch;
          const from = (block * patches + patch) * perPatch;
          for (let code = 0; code < perPatch; code++) indices[at + code] = perToken[0]![from + code]!;
        }
      }
    }
    const [down, across] = reader.grid;
    return { indices, shape: [images.shape[0], down * sizes.context, across * sizes.context, perPatch] };
  } finally {
    pass.dispose();
  }
}

/**
 * Images of codes, as numbers in 0..1, [images, height, width, channels].
 *
 * @throws DdclError `shape` for codes that are not of whole images; `data` for an index that is no code
 */
export async function decodeImages(
  backend: Backend,
  model: Autoencoder,
  codes: ImageCodes,
): Promise<Images & { readonly data: Float32Array }> {
  requireBackend(backend);
  const spec = requireAutoencoder(model);
  requireObject('The codes of images', codes, 'an object { indices, shape: [images, rows, columns, codes] }');
  const { indices, shape } = codes;
  requireList('indices', indices);
  const isShape =
    Array.isArray(shape) && shape.length === 4 && shape.every((size) => Number.isSafeInteger(size) && size > 0);
  requireArgument("The codes' shape", shape, isShape, '[images, rows, columns, codes]');
  const { sizes, pixels } = model;
  const { patch, context, channels, dimension } = sizes;
  const perPatch = codesPerVector(spec);
  const [count, rows, columns, own] = shape;
  if (
    own !== perPatch ||
    rows % context !== 0 ||
    columns % context !== 0 ||
    indices.length !== count * rows * columns * own
  ) {
    throw new DdclError(
      'shape',
      `Codes of images have the shape [images, rows, columns, ${perPatch}], rows and columns multiples of ${context}, but got ${indices.length} of [${shape.join(', ')}].`,
      { shapes: [shape] },
    );
  }
  const grid = [rows / context, columns / context] as const;
  const patches = patchesPerBlock(sizes);
  const blocks = (count * rows * columns) / patches;
  const vectors = createDecoder(model.quantizer).decode(indices);
  const ordered = new Float32Array(vectors.length);
  for (let block = 0; block < blocks; block++) {
    for (let each = 0; each < patches; each++) {
      const from = patchPlace(block, each, grid, context) * dimension;
      ordered.set(vectors.subarray(from, from + dimension), (block * patches + each) * dimension);
    }
  }
  const [height, width] = [rows * patch, columns * patch];
  const data = new Float32Array(count * height * width * channels);
  const pass = await openBlockPass(backend, model, rowSource(ordered, patches * dimension), (y, _a, networks) => {
    const latents = reshape(y, [Number(y.shape[0]) * patches, dimension]);
    return { perToken: [add(mul(decodeBlocks(sizes, networks, latents), pixels.deviation), pixels.mean)] };
  });
  try {
    for await (const made of pass.blocks(model))
      writeBlocks(data, [height, width], sizes, grid, made.first, made.rows, made.perToken[0]!);
  } finally {
    pass.dispose();
  }
  return { data, shape: [count, height, width, channels] };
}

/** Puts blocks where they belong, with numbers beyond 0..1 brought back. */
function writeBlocks(
  data: Float32Array,
  [height, width]: readonly [number, number],
  sizes: Autoencoder['sizes'],
  [down, across]: readonly [number, number],
  first: number,
  rows: number,
  values: ArrayLike<number>,
): void {
  const { patch, context, channels } = sizes;
  const size = blockWidth(sizes);
  for (let row = 0; row < rows; row++) {
    const block = first + row;
    const image = Math.floor(block / (down * across));
    const top = (Math.floor(block / across) % down) * patch * context;
    const left = (block % across) * patch * context;
    let from = row * size;
    for (let each = 0; each < context * context; each++) {
      for (let line = 0; line < patch; line++) {
        const y = top + Math.floor(each / context) * patch + line;
        let to = ((image * height + y) * width + left + (each % context) * patch) * channels;
        for (let number = 0; number < patch * channels; number++)
          data[to++] = Math.min(1, Math.max(0, values[from++]!));
      }
    }
  }
}

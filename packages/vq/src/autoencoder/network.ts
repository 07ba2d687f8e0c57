import { add, gelu, matmul, reshape, type Tensor } from '@ddcl/core';
import { uniformInitializer, zerosInitializer, type Initializer, type ParameterDefinition } from '@ddcl/core/train';
import { blockWidth, patchesPerBlock, type BlockLayout } from './images.ts';

/** Sizes of the networks on both sides of the codes. */
export interface NetworkSizes extends BlockLayout {
  /** Width of the hidden layers. */
  readonly hidden: number;
  /** Length m of a patch's latent vector. */
  readonly dimension: number;
}

/** Weights [in, out] and biases of two layers each, by name. */
export function networkShapes(sizes: NetworkSizes): Readonly<Record<string, readonly number[]>> {
  const [pixels, latents] = [blockWidth(sizes), patchesPerBlock(sizes) * sizes.dimension];
  const { hidden } = sizes;
  return {
    'encoder.0.weight': [pixels, hidden],
    'encoder.0.bias': [hidden],
    'encoder.1.weight': [hidden, latents],
    'encoder.1.bias': [latents],
    'decoder.0.weight': [latents, hidden],
    'decoder.0.bias': [hidden],
    'decoder.1.weight': [hidden, pixels],
    'decoder.1.bias': [pixels],
  };
}

/** Within `1 / sqrt(inputs)`: outputs start small, and Adam's steps of a fixed length change them sooner than with heNormal. */
const narrowUniform: Initializer = (shape, random) => {
  const limit = shape[0]! ** -0.5;
  return uniformInitializer(-limit, limit)(shape, random);
};

export function networkParameters(sizes: NetworkSizes): Record<string, ParameterDefinition> {
  return Object.fromEntries(
    Object.entries(networkShapes(sizes)).map(([name, shape]) => [
      name,
      { shape, initialize: shape.length === 1 ? zerosInitializer : narrowUniform },
    ]),
  );
}

type Tensors = Readonly<Record<string, Tensor>>;

function layer(x: Tensor, parameters: Tensors, name: string): Tensor {
  const bias = parameters[`${name}.bias`]!;
  return add(matmul(x, parameters[`${name}.weight`]!), reshape(bias, [1, bias.shape[0]!]));
}

/**
 * Blocks of pixels [rows, w] to latents, one for each patch, [rows g^2, m]. A block's patches are seen together: with `context` 1 it is a patch
 * embedding, a strided convolution as a product.
 */
export function encodeBlocks(sizes: NetworkSizes, parameters: Tensors, x: Tensor): Tensor {
  const latents = layer(gelu(layer(x, parameters, 'encoder.0')), parameters, 'encoder.1');
  return reshape(latents, [Number(x.shape[0]) * patchesPerBlock(sizes), sizes.dimension]);
}

/** Vectors of patches [rows g^2, m] to blocks of pixels [rows, w]. */
export function decodeBlocks(sizes: NetworkSizes, parameters: Tensors, y: Tensor): Tensor {
  const patches = patchesPerBlock(sizes);
  const rows = Number(y.shape[0]) / patches;
  const hidden = gelu(layer(reshape(y, [rows, patches * sizes.dimension]), parameters, 'decoder.0'));
  return layer(hidden, parameters, 'decoder.1');
}

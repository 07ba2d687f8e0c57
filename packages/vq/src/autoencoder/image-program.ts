import { add, constant, div, f32, reshape, sub, trace, transpose, zeros, type Tensor } from '@ddcl/core';
import type { NamedProgram } from '@ddcl/core/fit';
import { constantTensors, requireRows } from '../export/quantizer-programs.ts';
import { assignCodes } from '../part/assign.ts';
import { codesPerVector } from '../spec/layout.ts';
import { requireArgument } from '../checks/require.ts';
import { requireAutoencoder, type Autoencoder } from './autoencoder.ts';
import { blockWidth } from './images.ts';
import { encodeBlocks, networkShapes } from './network.ts';

/**
 * One image to codes as a program of its own: `image` [height, width, channels] in 0..1 to `indices` int32 [rows, columns, H D] of patches.
 *
 * @param size height and width, multiples of a block's side
 * @throws DdclError `argument` for other sizes
 */
export function imageEncoderProgram(model: Autoencoder, size: readonly [number, number]): NamedProgram {
  const spec = requireAutoencoder(model);
  const { sizes, pixels } = model;
  const { patch, context, channels } = sizes;
  const side = patch * context;
  const isSize =
    Array.isArray(size) &&
    size.length === 2 &&
    size.every((each) => Number.isSafeInteger(each) && each > 0 && each % side === 0);
  requireArgument('The size', size, isSize, `a height and a width, multiples of ${side}`);
  const [height, width] = size;
  const [down, across] = [height / side, width / side];
  requireRows(spec, down * across);
  const program = trace(
    [f32(height, width, channels)],
    (image) => {
      const scaled = div(sub(image, pixels.mean), pixels.deviation);
      // [down, patch row, y, across, patch column, x, channel] to blocks of patches.
      const cut = reshape(scaled, [down, context, patch, across, context, patch, channels]);
      const blocks = reshape(transpose(cut, [0, 3, 1, 4, 2, 5, 6]), [down * across, blockWidth(sizes)]);
      const networks: Record<string, Tensor> = {};
      for (const [name, shape] of Object.entries(networkShapes(sizes)))
        if (name.startsWith('encoder.')) networks[name] = constant(image, 'float32', shape, model.weights[name]!);
      const z = encodeBlocks(sizes, networks, blocks);
      const ones = add(zeros(z, f32(Number(z.shape[0]))), 1);
      const { indices } = assignCodes(spec, constantTensors(z, spec, model.quantizer), z, ones);
      const perPatch = codesPerVector(spec);
      const grid = reshape(indices, [down, across, context, context, perPatch]);
      return [reshape(transpose(grid, [0, 2, 1, 3, 4]), [down * context, across * context, perPatch])];
    },
    'encode image',
  );
  return { program, inputs: ['image'], outputs: ['indices'], metadata: { 'ddcl.quantizer': spec.kind } };
}

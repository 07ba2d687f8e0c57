import { DdclError } from '@ddcl/core';
import type { TfTensor } from '../tfjs.ts';

/**
 * Whether tokens fit a layer that was built for [..., dimension].
 *
 * @throws DdclError `dtype` or `shape`
 */
export function requireTokens(layer: string, tokens: TfTensor, sizes: string, dimension: number): void {
  const { dtype, shape } = tokens;
  const got = `[${shape.join(', ')}]`;
  if (dtype !== 'float32')
    throw new DdclError(
      'dtype',
      `${layer} takes float32, but got ${dtype} ${got}. Cast it before: tensor.cast('float32').`,
    );
  if (shape.at(-1) !== dimension)
    throw new DdclError(
      'shape',
      `${layer} was built for ${sizes}, m = ${dimension}, but got ${got}. Give it vectors of ${dimension} numbers, or make a new layer for those of ${shape.at(-1)}.`,
      { shapes: [shape] },
    );
  if (shape.includes(0))
    throw new DdclError('shape', `${layer} got the empty batch ${got}. Leave it out, or give it at least one token.`, {
      shapes: [shape],
    });
}

/**
 * Whether the tokens that count, and their mask, are numbers: of others no prototypes can start. Waits for the device, so it is for the first batch.
 *
 * @throws DdclError `data` with the first token that is not
 */
export function requireFinite(layer: string, tokens: TfTensor, weights: TfTensor): void {
  const [numbers, given] = [tokens.dataSync(), weights.dataSync()];
  const dimension = tokens.shape.at(-1)!;
  const remedy =
    'It would spread to all prototypes. Look for it in the data and in the layers before, and mask or remove such tokens.';
  for (let token = 0; token < given.length; token++) {
    const place = `token [${placeOf(token, weights.shape).join(', ')}] of its first training batch`;
    const weight = given[token]!;
    if (!Number.isFinite(weight)) throw new DdclError('data', `${layer}: the mask of ${place} is ${weight}. ${remedy}`);
    // Numbers of padding are never looked at.
    if (!(weight > 0)) continue;
    const own = numbers.subarray(token * dimension, (token + 1) * dimension);
    const wrong = own.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw new DdclError('data', `${layer}: component ${wrong} of ${place} is ${own[wrong]}. ${remedy}`);
  }
}

/** A row-major index as one for each axis, from 0. */
function placeOf(index: number, shape: readonly number[]): number[] {
  let rest = index;
  return shape
    .toReversed()
    .map((size) => {
      const place = rest % size;
      rest = Math.floor(rest / size);
      return place;
    })
    .toReversed();
}

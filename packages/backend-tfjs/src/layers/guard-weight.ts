import { DdclError } from '@ddcl/core';
import type { TfWeight } from './tf-layers.ts';

/**
 * Lets a weight say whose it is where it is given another size, as tfjs does not when it loads a file.
 *
 * @throws DdclError `shape` when it is written
 */
export function guardWeight(layer: string, name: string, weight: TfWeight): void {
  const write = weight.write.bind(weight);
  weight.write = (value) => {
    const shape = weight.shape as number[];
    if (value.shape.join() !== shape.join())
      throw new DdclError(
        'shape',
        `${layer} holds ${name} [${shape.join(', ')}], but the weights given have [${value.shape.join(', ')}]. Load configuration and weights of one save, or make the layer with the options of the one that was saved.`,
        { shapes: [shape, value.shape] },
      );
    return write(value);
  };
}

/** @throws DdclError `argument` for what is 0 until prototypes have seen tokens */
export function requireSeen(layer: string, seen: number): void {
  if (seen !== 0) return;
  throw new DdclError(
    'argument',
    `${layer} has seen no tokens yet: its prototypes start among those of the first training batch. Train the model first (model.fit, or layer.apply(tokens, { training: true }) in a loop of your own), or give the layer trained prototypes: layer.writeModel(model), layer.fromModelBytes(bytes) or model.setWeights(weights).`,
  );
}

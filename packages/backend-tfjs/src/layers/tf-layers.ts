import type * as core from '@tensorflow/tfjs-core';
import type * as layersModule from '@tensorflow/tfjs-layers';
import { DdclError } from '@ddcl/core';
import { requireTfjs } from '../require-tfjs.ts';
import type { Tfjs } from '../tfjs.ts';

/** What of TensorFlow.js the layers call: the whole of `@tensorflow/tfjs`, or `{ ...core, ...layers }` of its packages. */
export type TfjsLayers = Tfjs & Pick<typeof core, 'ones' | 'serialization'> & Pick<typeof layersModule, 'layers'>;

/** A layer of it. */
export type TfLayer = layersModule.layers.Layer;
/** A weight of a layer. */
export type TfWeight = layersModule.LayerVariable;
/** A shape with `null` for sizes that are not known. */
export type TfShape = layersModule.Shape;
/** What a layer is saved as. */
export type TfConfig = core.serialization.ConfigDict;

/** @throws DdclError `argument` for what is no tfjs, one without layers, or a second copy */
export function requireLayers(tf: TfjsLayers, user: 'ddclLayers'): void {
  requireTfjs(tf, user);
  if (typeof tf.layers?.Layer !== 'function' || typeof tf.serialization?.registerClass !== 'function')
    throw new DdclError(
      'argument',
      `The 'tf' given to ${user} has no layers. Pass the module of '@tensorflow/tfjs', or both of its parts: ${user}({ ...tf, ...layers }) with import * as layers from '@tensorflow/tfjs-layers'.`,
    );
  // No tensor is made here: no backend has to have started.
  if (!(tf.layers.Layer.prototype instanceof (tf.serialization.Serializable as never)))
    throw new DdclError(
      'argument',
      `${user}: there are two copies of @tensorflow/tfjs-core in this process, one given and another that the layers were made with. Find both with npm ls @tensorflow/tfjs-core, bring them to one version, and pass parts that belong together.`,
    );
}

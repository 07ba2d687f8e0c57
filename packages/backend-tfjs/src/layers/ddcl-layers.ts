import { quantizerLayerClass, type DDCLQuantizerClass, type DDCLQuantizerLayer } from './quantizer-layer.ts';
import type { QuantizerLayerOptions } from './quantizer-config.ts';
import { readoutLayerClass, type DDCLReadoutClass, type DDCLReadoutLayer } from './readout-layer.ts';
import type { ReadoutLayerOptions } from './readout-config.ts';
import { requireLayers, type TfjsLayers } from './tf-layers.ts';

/** The layers of one tfjs. */
export interface DdclLayers {
  readonly DDCLReadout: DDCLReadoutClass;
  readonly DDCLQuantizer: DDCLQuantizerClass;
  /** A new `DDCLReadout`, as `tf.layers` makes its own. */
  readonly ddclReadout: (options: LayerOptions<ReadoutLayerOptions>) => DDCLReadoutLayer;
  readonly ddclQuantizer: (options: LayerOptions<QuantizerLayerOptions>) => DDCLQuantizerLayer;
}

/** A layer's options with those of every layer of tfjs: `name`, `inputShape`, `trainable`, ... */
export type LayerOptions<Own> = Own & Readonly<Record<string, unknown>>;

const made = new WeakMap<object, DdclLayers>();

/**
 * DDCL layers for models of this tfjs, registered with it, so that `tf.loadLayersModel` finds them: call it before loading a model that has
 * one. Backend, flags and kernels are not touched.
 *
 *     const { ddclReadout } = ddclLayers(tf);
 *     model.add(ddclReadout({ prototypes: 16 }));
 *
 * @param tf `@tensorflow/tfjs`, or `{ ...core, ...layers }` of its packages
 * @throws DdclError `argument` if it is none, has no layers, or is a second copy of tfjs-core in this process
 */
export function ddclLayers(tf: TfjsLayers): DdclLayers {
  requireLayers(tf, 'ddclLayers');
  // The classes of an earlier call, so that models made with either know each other's layers.
  const known = made.get(tf.layers.Layer);
  if (known !== undefined) return known;
  const [DDCLReadout, DDCLQuantizer] = [readoutLayerClass(tf), quantizerLayerClass(tf)];
  for (const each of [DDCLReadout, DDCLQuantizer]) tf.serialization.registerClass(each as never);
  const layers: DdclLayers = {
    DDCLReadout,
    DDCLQuantizer,
    ddclReadout: (options) => new DDCLReadout(options),
    ddclQuantizer: (options) => new DDCLQuantizer(options),
  };
  made.set(tf.layers.Layer, layers);
  return layers;
}

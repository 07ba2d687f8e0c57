import type { TfLayer } from './tf-layers.ts';

/**
 * Where a layer's mask comes from. tfjs hands all layers of a model the same arguments: a mask that one of them got stays there for those after it, whose input has
 * none any more.
 *
 * - `caller`: it is called by itself, with a mask or without
 * - `layer`: layers before it make one and hand it on
 * - `input`: it stands on the input of a model, which may be inside another one
 * - `none`: layers before it end the mask, or there never was one
 */
export type MaskSource = 'caller' | 'layer' | 'input' | 'none';

/** Layers of tfjs that make a mask of their input. */
const makers: readonly string[] = ['Masking', 'Embedding'];

export function maskSource(layer: TfLayer): MaskSource {
  const sources = layer.inboundNodes.flatMap(({ inboundLayers }) => inboundLayers);
  if (sources.length === 0) return 'caller';
  const all = sources.map(handedOn);
  return all.find((each) => each === 'layer') ?? all.find((each) => each === 'input') ?? 'none';
}

function handedOn(layer: TfLayer): MaskSource {
  if (layer.getClassName() === 'InputLayer') return 'input';
  if (!layer.supportsMasking) return 'none';
  if (makers.includes(layer.getClassName())) return 'layer';
  const { returnSequences, endsMask } = layer as { returnSequences?: boolean; endsMask?: boolean };
  if (returnSequences === false || endsMask === true) return 'none';
  return maskSource(layer);
}

import type { CompositeAttributes } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import type { EmitCall, Emitter } from '../emitter.ts';

/** Writes a composite with ops of its own; returns one name per output. */
export type EmitComposite = (emitter: Emitter, call: EmitCall<CompositeAttributes>) => readonly OnnxName[];

/** The composites that ONNX has, by versioned name. The others are decomposed, or belong to the token loop. */
export const composites: Readonly<Record<string, EmitComposite>> = {
  'softmax/1': ({ graph }, { attributes, inputs }) => [
    graph.node('Softmax', inputs, { axis: { int: attributes['axis'] as number } }),
  ],
  'logSumExp/1': ({ graph }, { attributes, inputs }) => [
    graph.reduce('ReduceLogSumExp', inputs[0]!, [attributes['axis'] as number], false),
  ],
  'layerNorm/1': ({ graph }, { attributes, inputs }) => [
    graph.node(
      'LayerNormalization',
      inputs,
      { axis: { int: -1 }, epsilon: { float: attributes['epsilon'] as number } },
      { since: 17 },
    ),
  ],
};

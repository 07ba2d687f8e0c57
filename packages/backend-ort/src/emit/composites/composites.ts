import { readTokenPass, type CompositeAttributes } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import type { EmitCall, Emitter } from '../emitter.ts';
import { emitTokenLoop } from '../token-loop/emit-loop.ts';
import { emitAttention } from './attention.ts';
import { emitNearest } from './nearest.ts';

/** Writes a composite with ops of its own; returns one name per output. */
export type EmitComposite = (emitter: Emitter, call: EmitCall<CompositeAttributes>) => readonly OnnxName[];

/** The composites that are written with ops of their own, by versioned name. The others are decomposed. */
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
  'ddcl.attend/1': emitAttention,
  'ddcl.nearest/1': emitNearest,
  'ddcl.tokenPass/1': (emitter, { attributes, inputs, inputTypes, leaving }) => {
    const { operands, quantities } = readTokenPass(attributes, inputs);
    const types = readTokenPass(attributes, inputTypes).operands;
    const alone = new Set(quantities.filter((_, index) => leaving[index]));
    const results = emitTokenLoop(emitter, operands, types, new Set(quantities), alone);
    return quantities.map((quantity) => results.get(quantity)!);
  },
};

import type { PrimitiveAttributes } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import { cast, type EmitCall, type Emitter } from '../emitter.ts';

export function gather({ graph }: Emitter, { inputs }: EmitCall<unknown>): OnnxName {
  return graph.node('Gather', inputs, { axis: { int: 0 } });
}

/** Rows are added to zeros one after the other, so that the order of the sum is that of the rows. */
export function segmentSum(emitter: Emitter, { inputs, inputTypes, outputTypes }: EmitCall<unknown>): OnnxName {
  const { graph } = emitter;
  const [values, ids] = inputs as [OnnxName, OnnxName];
  const zero =
    outputTypes[0]!.dtype === 'float32' ? graph.float(0) : graph.constant('int32', [], Int32Array.of(0));
  const zeros = graph.node('Expand', [zero, emitter.shape(outputTypes[0]!.shape)]);
  const places = graph.node('Reshape', [cast(graph, ids, 'int64'), emitter.shape([inputTypes[1]!.shape[0]!, 1])]);
  return graph.node('ScatterND', [zeros, places, values], { reduction: { text: 'add' } }, { since: 16 });
}

export function constant(
  { graph }: Emitter,
  { attributes: { dtype, shape, data } }: EmitCall<PrimitiveAttributes['constant']>,
): OnnxName {
  return graph.constant(dtype, shape, data);
}

export function iota(
  emitter: Emitter,
  { attributes: { dtype, axis }, outputTypes }: EmitCall<PrimitiveAttributes['iota']>,
): OnnxName {
  const { graph } = emitter;
  const { shape } = outputTypes[0]!;
  const scalar = (value: number): OnnxName =>
    dtype === 'int32' ? graph.constant('int32', [], Int32Array.of(value)) : graph.float(value);
  const limit = cast(graph, emitter.size(shape[axis]!), dtype as 'float32' | 'int32');
  const line = graph.node('Range', [scalar(0), limit, scalar(1)]);
  const placed = graph.node('Reshape', [line, emitter.shape(shape.map((size, index) => (index === axis ? size : 1)))]);
  return graph.node('Expand', [placed, emitter.shape(shape)]);
}

import type { PrimitiveAttributes } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import { scatterAdd } from '../scatter-add.ts';
import { cast, type EmitCall, type Emitter } from '../emitter.ts';

export function gather({ graph }: Emitter, { inputs }: EmitCall<unknown>): OnnxName {
  return graph.node('Gather', inputs, { axis: { int: 0 } });
}

export function segmentSum(emitter: Emitter, { inputs, inputTypes, outputTypes }: EmitCall<unknown>): OnnxName {
  const { graph } = emitter;
  const [values, ids] = inputs as [OnnxName, OnnxName];
  return scatterAdd(graph, {
    values,
    ids: cast(graph, ids, 'int64'),
    zeros: outputTypes[0]!.dtype === 'float32' ? graph.float(0) : graph.constant('int32', [], Int32Array.of(0)),
    shape: emitter.shape(outputTypes[0]!.shape),
    rank: inputTypes[0]!.shape.length,
  });
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
  const limit = cast(graph, emitter.size(shape[axis]!), dtype);
  const line = graph.node('Range', [scalar(0), limit, scalar(1)]);
  const placed = graph.node('Reshape', [line, emitter.shape(shape.map((size, index) => (index === axis ? size : 1)))]);
  return graph.node('Expand', [placed, emitter.shape(shape)]);
}

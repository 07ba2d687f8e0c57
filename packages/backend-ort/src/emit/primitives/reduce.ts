import type { PrimitiveAttributes } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import { cast, type EmitCall, type Emitter } from '../emitter.ts';

export function sum(
  { graph }: Emitter,
  { attributes: { axes, keepDims }, inputs }: EmitCall<PrimitiveAttributes['sum']>,
): OnnxName {
  // ONNX takes an empty list of axes for all of them.
  if (axes.length === 0) return inputs[0]!;
  return graph.node('ReduceSum', [inputs[0]!, graph.int64s(axes)], { keepdims: { int: Number(keepDims) } });
}

/** Opsets up to 17 take the axes of `ReduceMax` as an attribute, later ones as an input; we write the former. */
export function max(
  { graph }: Emitter,
  { attributes: { axes, keepDims }, inputs }: EmitCall<PrimitiveAttributes['max']>,
): OnnxName {
  if (axes.length === 0) return inputs[0]!;
  return graph.node('ReduceMax', [inputs[0]!], { axes: { ints: axes }, keepdims: { int: Number(keepDims) } });
}

export function argMax(
  { graph }: Emitter,
  { attributes: { axis }, inputs }: EmitCall<PrimitiveAttributes['argMax']>,
): OnnxName {
  // select_last_index is 0 by default: ties go to the lowest index.
  const index = graph.node('ArgMax', [inputs[0]!], { axis: { int: axis }, keepdims: { int: 0 } });
  return cast(graph, index, 'int32');
}

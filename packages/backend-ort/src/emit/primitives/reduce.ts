import type { PrimitiveAttributes } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import { cast, type EmitCall, type Emitter } from '../emitter.ts';

export function sum(
  { graph }: Emitter,
  { attributes: { axes, keepDims }, inputs, inputTypes }: EmitCall<PrimitiveAttributes['sum']>,
): OnnxName {
  // ONNX takes an empty list of axes for all of them.
  if (axes.length === 0) return inputs[0]!;
  if (inputTypes[0]!.dtype === 'int32') {
    // int32 wraps around; onnxruntime-web's own sum of int32 stops at the largest number instead.
    return cast(graph, graph.reduce('ReduceSum', cast(graph, inputs[0]!, 'int64'), axes, keepDims), 'int32');
  }
  return graph.reduce('ReduceSum', inputs[0]!, axes, keepDims);
}

export function max(
  { graph }: Emitter,
  { attributes: { axes, keepDims }, inputs }: EmitCall<PrimitiveAttributes['max']>,
): OnnxName {
  if (axes.length === 0) return inputs[0]!;
  return graph.reduce('ReduceMax', inputs[0]!, axes, keepDims);
}

export function argMax(
  { graph }: Emitter,
  { attributes: { axis }, inputs }: EmitCall<PrimitiveAttributes['argMax']>,
): OnnxName {
  // select_last_index is 0 by default: ties go to the lowest index.
  const index = graph.node('ArgMax', [inputs[0]!], { axis: { int: axis }, keepdims: { int: 0 } });
  return cast(graph, index, 'int32');
}

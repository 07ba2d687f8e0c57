import type { PrimitiveAttributes } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import type { EmitCall, Emitter } from '../emitter.ts';

/**
 * Two matrices are one `Gemm`, which transposes without a copy; batches transpose first (ONNX Runtime fuses that). Without transposes in a
 * file it is a `MatMul`, with which ONNX Runtime joins a vector that is added.
 */
export function matmul(
  { graph, tiled }: Emitter,
  { attributes: { transposeA, transposeB }, inputs, inputTypes }: EmitCall<PrimitiveAttributes['matmul']>,
): OnnxName {
  if (inputTypes.every((type) => type.shape.length === 2) && (tiled || transposeA || transposeB)) {
    return graph.node('Gemm', inputs, { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) } });
  }
  const oriented = (position: 0 | 1, transpose: boolean): OnnxName => {
    const operand = inputs[position]!;
    if (!transpose) return operand;
    const axes = inputTypes[position]!.shape.map((_, axis) => axis);
    const last = axes.length - 1;
    return graph.node('Transpose', [operand], { perm: { ints: [...axes.slice(0, -2), last, last - 1] } });
  };
  return graph.node('MatMul', [oriented(0, transposeA), oriented(1, transposeB)]);
}

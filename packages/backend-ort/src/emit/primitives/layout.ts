import type { PrimitiveAttributes } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import type { EmitCall, Emitter } from '../emitter.ts';

export function reshape(emitter: Emitter, { inputs, inputTypes, outputTypes }: EmitCall<unknown>): OnnxName {
  const { shape } = outputTypes[0]!;
  // 0 keeps the size of the same axis, and one size may be left to the runtime: then nothing has to be read from the inputs.
  const written = shape.map((size, axis) => {
    return typeof size === 'number' ? size : inputTypes[0]!.shape[axis] === size ? 0 : -1;
  });
  const isEnough = !shape.includes(0) && written.filter((size) => size === -1).length <= 1;
  const to = isEnough ? emitter.graph.int64s(written) : emitter.shape(shape);
  return emitter.graph.node('Reshape', [inputs[0]!, to]);
}

export function transpose(
  { graph }: Emitter,
  { attributes: { permutation }, inputs }: EmitCall<PrimitiveAttributes['transpose']>,
): OnnxName {
  // A scalar has no axes, and ONNX would take the empty list for a reversal.
  if (permutation.length === 0) return inputs[0]!;
  return graph.node('Transpose', [inputs[0]!], { perm: { ints: permutation } });
}

export function broadcastTo(emitter: Emitter, { inputs, outputTypes }: EmitCall<unknown>): OnnxName {
  return emitter.graph.node('Expand', [inputs[0]!, emitter.shape(outputTypes[0]!.shape)]);
}

export function slice(
  { graph }: Emitter,
  { attributes: { starts, sizes }, inputs }: EmitCall<PrimitiveAttributes['slice']>,
): OnnxName {
  // A size that is a symbol is the whole axis.
  const cut = sizes.flatMap((size, axis) => (typeof size === 'number' ? [{ axis, start: starts[axis]!, size }] : []));
  if (cut.length === 0) return inputs[0]!;
  return graph.node('Slice', [
    inputs[0]!,
    graph.int64s(cut.map(({ start }) => start)),
    graph.int64s(cut.map(({ start, size }) => start + size)),
    graph.int64s(cut.map(({ axis }) => axis)),
  ]);
}

export function concat(
  { graph }: Emitter,
  { attributes: { axis }, inputs, inputTypes }: EmitCall<PrimitiveAttributes['concat']>,
): OnnxName {
  const filled = inputs.filter((_, index) => inputTypes[index]!.shape[axis] !== 0);
  return filled.length === 1 ? filled[0]! : graph.node('Concat', filled, { axis: { int: axis } });
}

import type { CompositeAttributes } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import type { EmitCall, Emitter } from '../emitter.ts';

/** Attention heads are fastest in multiples of this. */
const headMultiple = 8;

/**
 * `ddcl.attend/1` as ONNX Runtime's attention, which keeps no n x K array: query [x, 1], key [keys, bias] (docs/math.md section 3), padded with
 * zeros to a friendly width. The scale is an attribute of the op, so it is 1 and T is in the keys.
 */
export function emitAttention(
  { graph }: Emitter,
  { inputs, inputTypes }: EmitCall<CompositeAttributes>,
): readonly OnnxName[] {
  const [tokens, keys, bias, values] = inputs as [OnnxName, OnnxName, OnnxName, OnnxName];
  const [dimension, count] = inputTypes[1]!.shape as [number, number];
  const width = Math.ceil((dimension + 1) / headMultiple) * headMultiple;
  const padTo = (matrix: OnnxName, before: number, after: number): OnnxName =>
    graph.node('Pad', [matrix, graph.int64s([0, before, 0, after]), graph.float(0)]);
  const last = Float32Array.from({ length: width }, (_, axis) => (axis === dimension ? 1 : 0));
  const query = graph.node('Add', [padTo(tokens, 0, width - dimension), graph.constant('float32', [width], last)]);
  // Of constants: ONNX Runtime does it once, when it loads the file.
  const rows = graph.node('Transpose', [keys], { perm: { ints: [1, 0] } });
  const shifts = graph.node('Reshape', [bias, graph.int64s([count, 1])]);
  const key = graph.node('Add', [padTo(rows, 0, width - dimension), padTo(shifts, dimension, width - dimension - 1)]);
  const batched = (matrix: OnnxName): OnnxName =>
    graph.node('Unsqueeze', [matrix, graph.int64s([0])], {}, { since: 13 });
  const attended = graph.node(
    'MultiHeadAttention',
    [batched(query), batched(key), batched(values)],
    { num_heads: { int: 1 }, scale: { float: 1 } },
    { domain: 'com.microsoft' },
  );
  return [graph.node('Squeeze', [attended, graph.int64s([0])], {}, { since: 13 })];
}

import type { OnnxGraph, OnnxName } from '../onnx/graph.ts';

/**
 * Adds rows [n, ...] to zeros of `shape` [s, ...], each at the row that `ids` (int64 [n]) says. `ScatterElements`, although it wants an
 * index for every element: ONNX Runtime spreads `ScatterND` over threads that overwrite each other's sums where ids repeat.
 *
 * @param zeros a scalar 0 of the values' type
 * @param rank axes of `values`
 */
export function scatterAdd(
  graph: OnnxGraph,
  {
    values,
    ids,
    zeros,
    shape,
    rank,
  }: { values: OnnxName; ids: OnnxName; zeros: OnnxName; shape: OnnxName; rank: number },
): OnnxName {
  const column = Array.from({ length: rank }, (_, axis) => (axis === 0 ? -1 : 1));
  const places = graph.node('Expand', [
    rank === 1 ? ids : graph.node('Reshape', [ids, graph.int64s(column)]),
    graph.node('Shape', [values]),
  ]);
  return graph.node(
    'ScatterElements',
    [graph.node('Expand', [zeros, shape]), places, values],
    { axis: { int: 0 }, reduction: { text: 'add' } },
    { since: 16 },
  );
}

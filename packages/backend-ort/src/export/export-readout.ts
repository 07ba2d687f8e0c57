import type { DdclModel } from '@ddcl/core/fit';
import { scatterAdd } from '../emit/scatter-add.ts';
import { OnnxGraph, type OnnxName } from '../onnx/graph.ts';
import { modelBytes, modelProto } from '../onnx/model.ts';
import { emitReadout, readoutShape, type Pooling } from './emit-readout.ts';
import { checkReadoutOptions, isPooled, type ReadoutOptions } from './readout-options.ts';

/** What anybody who opens the file can look up. */
export function readoutMetadata(
  { count, dimension, temperature }: DdclModel,
  options: ReadoutOptions,
): Record<string, string> {
  return {
    'ddcl.readout': options.what ?? 'outputs',
    'ddcl.prototypes': String(count),
    'ddcl.dimension': String(dimension),
    'ddcl.temperature': String(options.temperature ?? temperature),
    ...(options.version === undefined ? {} : { 'ddcl.version': options.version }),
  };
}

/** Tokens of segment s are those with s in the input `segments`. */
function segmentPooling(graph: OnnxGraph, segments: OnnxName, { count, dimension }: DdclModel): Pooling {
  const highest = graph.reduce('ReduceMax', segments, [0], true);
  const total = graph.node('Add', [highest, graph.int64s([1])]);
  const scatter = (values: OnnxName, tail: readonly number[]): OnnxName =>
    scatterAdd(graph, {
      values,
      ids: segments,
      zeros: graph.float(0),
      shape: graph.node('Concat', [total, graph.int64s(tail)], { axis: { int: 0 } }),
      rank: 1 + tail.length,
    });
  return {
    mass: (assignments) => scatter(assignments, [count]),
    weight() {
      const column = graph.node('Reshape', [segments, graph.int64s([-1, 1])]);
      return scatter(graph.node('Expand', [graph.float(1), graph.node('Shape', [column])]), [1]);
    },
    sums(assignments, framed) {
      const each = graph.node('Mul', [
        graph.node('Unsqueeze', [assignments, graph.int64s([2])], {}, { since: 13 }),
        graph.node('Unsqueeze', [framed, graph.int64s([1])], {}, { since: 13 }),
      ]);
      return scatter(each, [count, dimension]);
    },
  };
}

/**
 * A fitted model as the bytes of an `.onnx` file of its own: input `tokens` float32 [n, m] with n symbolic, one output named after
 * what it is; the pooled forms take a second input `segments` int64 [n], the segment of each token from 0. Weights are
 * inside, ops are standard ones unless `fused`; K, m, T are in the metadata.
 *
 * @throws DdclError `argument` for options out of range
 */
export function exportReadout(model: DdclModel, options: ReadoutOptions = {}): Uint8Array {
  checkReadoutOptions(options);
  const { what = 'outputs' } = options;
  const graph = new OnnxGraph();
  const tokens = graph.input('tokens', 'float32', ['n', model.dimension]);
  const pooling = isPooled(what) ? segmentPooling(graph, graph.input('segments', 'int64', ['n']), model) : undefined;
  graph.rename(emitReadout(graph, tokens, model, options, 2, pooling), what);
  graph.output(what, what === 'codes' ? 'int32' : 'float32', readoutShape(what, model, ['n'], 's'));
  return modelBytes(modelProto(graph, { name: `ddcl ${what}`, metadata: readoutMetadata(model, options) }));
}

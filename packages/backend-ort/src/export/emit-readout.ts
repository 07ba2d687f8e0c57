import type { DdclModel } from '@ddcl/core/fit';
import { cast } from '../emit/emitter.ts';
import type { OnnxGraph, OnnxName } from '../onnx/graph.ts';
import { isPooled, type ReadoutOptions, type ReadoutOutput } from './readout-options.ts';
import { emitFrame, floats, readoutTerms, transposed, type ReadoutTerms } from './readout-terms.ts';

/** Soft assignments of tokens [..., m], [..., K]. `MatMul` takes any number of leading axes. */
function emitAssignments(graph: OnnxGraph, framed: OnnxName, terms: ReadoutTerms, rank: number): OnnxName {
  const { count, dimension, keys, bias } = terms;
  const inner = graph.node('MatMul', [framed, floats(graph, [dimension, count], transposed(keys, count, dimension))]);
  const logits = graph.node('Add', [inner, floats(graph, [count], bias)]);
  // The last axis by its number: below opset 13 a negative one means something else.
  return graph.node('Softmax', [logits], { axis: { int: rank - 1 } });
}

/** Attention heads are fastest in multiples of this. */
const headMultiple = 8;

/**
 * The layer as one attention call: query [z, 1], key [2 p / T, -|p|^2 / T], value p (docs/math.md section 3), padded with
 * zeros to a friendly width. The scale is an attribute of the op, so it is 1 and T is in the keys.
 */
function emitFused(graph: OnnxGraph, framed: OnnxName, terms: ReadoutTerms): OnnxName {
  const { count, dimension, keys, bias, values } = terms;
  const width = Math.ceil((dimension + 1) / headMultiple) * headMultiple;
  const key = new Float64Array(count * width);
  for (let k = 0; k < count; k++) {
    key.set(keys.subarray(k * dimension, (k + 1) * dimension), k * width);
    key[k * width + dimension] = bias[k]!;
  }
  const one = Float32Array.from({ length: width }, (_, axis) => (axis === dimension ? 1 : 0));
  const pads = graph.int64s([0, 0, 0, width - dimension]);
  const query = graph.node('Add', [graph.node('Pad', [framed, pads, graph.float(0)]), floats(graph, [width], one)]);
  const attended = graph.node(
    'MultiHeadAttention',
    [
      graph.node('Unsqueeze', [query, graph.int64s([0])], {}, { since: 13 }),
      floats(graph, [1, count, width], key),
      floats(graph, [1, count, dimension], values),
    ],
    { num_heads: { int: 1 }, scale: { float: 1 } },
    { domain: 'com.microsoft' },
  );
  return graph.node('Squeeze', [attended, graph.int64s([0])], {}, { since: 13 });
}

/** Where the tokens of each segment are, for the pooled forms. */
export interface Pooling {
  /** `sum_{n in s} a_n q_n`, [s, K], of assignments. */
  mass(assignments: OnnxName): OnnxName;
  /** `sum_{n in s} a_n`, [s, 1]. */
  weight(): OnnxName;
  /** `sum_{n in s} a_n q_nk x_n`, [s, K, m]. */
  sums(assignments: OnnxName, framed: OnnxName): OnnxName;
}

/**
 * Writes a readout of tokens: [n, m] with `rank` 2, [batch, sequence, m] with 3.
 * @param pooling for the pooled forms: how tokens are summed
 * @returns the value, of the shape that {@link ReadoutOutput} says (with the leading axes of the tokens)
 */
export function emitReadout(
  graph: OnnxGraph,
  tokens: OnnxName,
  model: DdclModel,
  { what = 'outputs', temperature = model.temperature, preprocessing, fused = false }: ReadoutOptions,
  rank: 2 | 3,
  pooling: Pooling | undefined,
): OnnxName {
  const terms = readoutTerms(model, temperature);
  const { count, dimension, values } = terms;
  const framed = emitFrame(graph, tokens, model, preprocessing);
  if (fused) return emitFused(graph, framed, terms);
  const q = emitAssignments(graph, framed, terms, rank);
  const prototypes = (): OnnxName => floats(graph, [count, dimension], values);
  if (!isPooled(what)) {
    if (what === 'assignments') return q;
    if (what === 'outputs') return graph.node('MatMul', [q, prototypes()]);
    return cast(graph, graph.node('ArgMax', [q], { axis: { int: rank - 1 }, keepdims: { int: 0 } }), 'int32');
  }
  const mass = pooling!.mass(q);
  if (what === 'summaries') return emitSummaries(graph, mass, pooling!.sums(q, framed), model);
  if (what === 'residuals') {
    return emitResiduals(graph, { mass, sums: pooling!.sums(q, framed), weight: pooling!.weight() }, terms, model);
  }
  // Weights are whole numbers here; a segment without tokens has mass 0, and 0 / 1 is 0.
  const occupancy = graph.node('Div', [mass, graph.node('Max', [pooling!.weight(), graph.float(1)])]);
  return what === 'occupancy' ? occupancy : graph.node('MatMul', [occupancy, prototypes()]);
}

/** [s, K] as [s, K, 1]. By Reshape: Unsqueeze has another form below opset 13. */
function emitColumn(graph: OnnxGraph, value: OnnxName): OnnxName {
  return graph.node('Reshape', [value, graph.int64s([0, 0, 1])]);
}

/** Means per segment and prototype, back in the tokens' units; zeros where there is no mass. */
function emitSummaries(
  graph: OnnxGraph,
  mass: OnnxName,
  sums: OnnxName,
  { offset, scale, dimension }: DdclModel,
): OnnxName {
  const column = emitColumn(graph, mass);
  const there = graph.node('Greater', [column, graph.float(0)]);
  const means = graph.node('Div', [sums, graph.node('Where', [there, column, graph.float(1)])]);
  const back = graph.node('Add', [graph.node('Mul', [means, graph.float(scale)]), floats(graph, [dimension], offset)]);
  return graph.node('Where', [there, back, graph.float(0)]);
}

/** Sums over a segment's tokens in the frame: `sum q_n` [s, K], `sum q_nk z_n` [s, K, m], number of tokens [s, 1]. */
interface SegmentSums {
  readonly mass: OnnxName;
  readonly sums: OnnxName;
  readonly weight: OnnxName;
}

/** As in @ddcl/readout: shorter residuals are rounding errors, and keep less than length 1. */
const residualFloor = 1e-6;

/**
 * VLAD (Jegou et al. 2010; normalised per prototype as by Arandjelovic and Zisserman 2013): `sum q_nk (z_n - p_k)`, each of length 1, then
 * the segment's as a whole. The frame's scale cancels. Zeros for a segment without tokens.
 */
function emitResiduals(
  graph: OnnxGraph,
  { mass, sums, weight }: SegmentSums,
  { count, dimension, framed }: ReadoutTerms,
  { totalVariance, scale }: DdclModel,
): OnnxName {
  const taken = graph.node('Mul', [emitColumn(graph, mass), floats(graph, [count, dimension], framed)]);
  const floor = graph.node('Mul', [
    emitColumn(graph, weight),
    graph.float((residualFloor * Math.sqrt(totalVariance)) / scale),
  ]);
  const each = emitUnit(graph, graph.node('Sub', [sums, taken]), [2], floor);
  return emitUnit(graph, each, [1, 2]);
}

/** Divided by its length over some axes, but by no less than a floor; where that is 0 too, it stays 0. */
function emitUnit(graph: OnnxGraph, value: OnnxName, axes: readonly number[], floor?: OnnxName): OnnxName {
  const length = graph.node('Sqrt', [graph.reduce('ReduceSum', graph.node('Mul', [value, value]), axes, true)]);
  const least = floor === undefined ? [] : [floor];
  return graph.node('Div', [value, graph.node('Max', [length, ...least, graph.float(1e-30)])]);
}

/** Shape of the result, with `tokens` for the axes of the tokens and `segments` for that of the segments. */
export function readoutShape(
  what: ReadoutOutput,
  { count, dimension }: DdclModel,
  tokens: readonly string[],
  segments: string,
): (number | string)[] {
  switch (what) {
    case 'outputs':
      return [...tokens, dimension];
    case 'assignments':
      return [...tokens, count];
    case 'codes':
      return [...tokens];
    case 'occupancy':
      return [segments, count];
    case 'pooled':
      return [segments, dimension];
    case 'summaries':
    case 'residuals':
      return [segments, count, dimension];
  }
}

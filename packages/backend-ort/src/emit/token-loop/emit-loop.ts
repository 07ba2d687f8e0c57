import type { Shape, TensorType, TokenPassOperands, TokenQuantity } from '@ddcl/core/backend';
import { OnnxGraph, type OnnxName } from '../../onnx/graph.ts';
import type { Emitter } from '../emitter.ts';
import { lossScales } from './tile-gradients.ts';
import {
  isPrototypeGradient,
  isRow,
  prototypeGradients,
  sumsOf,
  type PrototypeGradient,
  type TileSum,
  type TokenRow,
} from './tile-quantities.ts';
import { emitTile, prototypeTerms, type PrototypeTerms, type TileResults, type TileTokens } from './tile.ts';
import { inHalves, tileRows, type Tiling } from './tile-rows.ts';

/**
 * Writes one pass over the tokens. Known sizes become a `Scan` over tiles, whose N x K intermediates never leave the cache; ONNX
 * Runtime hands the body views of the tokens, not copies. Symbolic sizes, and few tokens, are written as one tile.
 *
 * Two matrix products and a softmax, not a fused attention: measured on five shapes, `com.microsoft.MultiHeadAttention` was as fast
 * on one and 8 to 28 % slower on the others (docs/decisions/0032-onnx.md).
 */
export function emitTokenLoop(
  emitter: Emitter,
  operands: TokenPassOperands<OnnxName>,
  types: TokenPassOperands<TensorType>,
  quantities: ReadonlySet<TokenQuantity>,
): ReadonlyMap<TokenQuantity, OnnxName> {
  const { graph } = emitter;
  const [n, m] = types.tokens.shape as [number | string, number | string];
  const [count] = types.prototypes.shape as [number | string];
  const terms = prototypeTerms(graph, operands.prototypes, operands.temperature, {
    count: emitter.size(count),
    narrow: typeof m === 'number' && typeof count === 'number' && m <= count,
    scales: lossScales(graph, operands),
  });
  const { tokens, onOutputs } = operands;
  const weights = operands.weights && graph.node('Reshape', [operands.weights, graph.int64s([-1, 1])]);
  const given = { tokens, weights, onOutputs };
  const sized = emitter.tiled && typeof n === 'number' && typeof m === 'number' && typeof count === 'number';
  const tiling = sized ? tileRows(n, count) : undefined;
  const results =
    tiling === undefined
      ? emitTile(graph, given, terms, quantities, sized ? { sizes: { rows: n, m, count } } : {})
      : emitScan(graph, given, terms, quantities, tiling, { m: m as number, count: count as number });
  return assemble(graph, results, terms, quantities);
}

interface ScanSizes {
  readonly m: number;
  readonly count: number;
}

function emitScan(
  graph: OnnxGraph,
  given: TileTokens,
  terms: PrototypeTerms,
  quantities: ReadonlySet<TokenQuantity>,
  tiling: Tiling,
  { m, count }: ScanSizes,
): TileResults {
  const { tiles, rows, rest } = tiling;
  const part = (x: OnnxName, start: number, end: number): OnnxName =>
    graph.node('Slice', [x, graph.int64s([start]), graph.int64s([end]), graph.int64s([0])]);
  const head = (x: OnnxName, width: number): OnnxName =>
    graph.node('Reshape', [rest === 0 ? x : part(x, 0, tiles * rows), graph.int64s([tiles, rows, width])]);

  const body = new OnnxGraph(graph);
  const sumNames = sumsOf(quantities);
  const sizes = { rows, m, count };
  const halves = inHalves(sizes);
  const shapeOf = (sum: TileSum): number[] => {
    if (sum === 'pull' && halves) return [2, count, m];
    if (sum === 'pull' || sum === 'lossPull' || sum === 'outputsPull') return [count, m];
    const perPrototype = ['totals', 'lossTotals', 'outputsTotals', 'mass', 'wins'].includes(sum);
    return perPrototype ? [count] : [];
  };
  const widthOf = (row: TokenRow): number => {
    if (row === 'assignments') return count;
    return row === 'outputs' || row === 'lossByTokens' || row === 'outputsByTokens' ? m : 1;
  };
  const before = new Map(sumNames.map((sum) => [sum, body.input(graph.fresh(sum), 'float32', shapeOf(sum))]));
  const { tokens, weights, onOutputs } = given;
  const tile: TileTokens = {
    tokens: body.input(graph.fresh('tile'), 'float32', [rows, m]),
    weights: weights && body.input(graph.fresh('weights'), 'float32', [rows, 1]),
    onOutputs: onOutputs && body.input(graph.fresh('cotangents'), 'float32', [rows, m]),
  };
  const inside = emitTile(body, tile, terms, quantities, { before, sizes });
  const leave = (value: OnnxName, shape: Shape, dtype: 'float32' | 'int32' = 'float32'): void => {
    const name = graph.fresh('out');
    body.rename(value, name);
    body.output(name, dtype, shape);
  };
  for (const sum of sumNames) leave(inside.sums.get(sum)!, shapeOf(sum));
  for (const [name, value] of inside.rows)
    leave(value, [rows, widthOf(name)], name === 'nearest' ? 'int32' : 'float32');

  const zeros = sumNames.map((sum) => graph.node('Expand', [graph.float(0), graph.int64s(shapeOf(sum))]));
  const scanned = [
    head(tokens, m),
    ...(weights === undefined ? [] : [head(weights, 1)]),
    ...(onOutputs === undefined ? [] : [head(onOutputs, m)]),
  ];
  const outputs = graph.nodes('Scan', [...zeros, ...scanned], {
    attributes: { body: { graph: body.proto('tile') }, num_scan_inputs: { int: scanned.length } },
    outputs: sumNames.length + inside.rows.size,
  });
  const sums = new Map(sumNames.map((sum, index) => [sum, outputs[index]!]));
  if (halves && sums.has('pull')) sums.set('pull', graph.reduce('ReduceSum', sums.get('pull')!, [0], false));
  const rowValues = new Map(
    [...inside.rows.keys()].map((name, index): [TokenRow, OnnxName] => {
      const flat = graph.int64s([tiles * rows, widthOf(name)]);
      return [name, graph.node('Reshape', [outputs[sumNames.length + index]!, flat])];
    }),
  );
  if (rest === 0) return { rows: rowValues, sums };

  const end = tiles * rows + rest;
  const last = emitTile(
    graph,
    {
      tokens: part(tokens, tiles * rows, end),
      weights: weights && part(weights, tiles * rows, end),
      onOutputs: onOutputs && part(onOutputs, tiles * rows, end),
    },
    terms,
    quantities,
    { before: sums },
  );
  return {
    sums: last.sums,
    rows: new Map(
      [...rowValues].map(([name, value]) => [
        name,
        graph.node('Concat', [value, last.rows.get(name)!], { axis: { int: 0 } }),
      ]),
    ),
  };
}

/** The quantities as composites return them: gradients by prototypes are `2 totals p - pull`, or twice `totals p - pull`. */
function assemble(
  graph: OnnxGraph,
  { rows, sums }: TileResults,
  terms: PrototypeTerms,
  quantities: ReadonlySet<TokenQuantity>,
): ReadonlyMap<TokenQuantity, OnnxName> {
  const two = graph.float(2);
  const onPrototypes = (quantity: PrototypeGradient): OnnxName => {
    const [pull, totals] = prototypeGradients[quantity];
    const own = graph.node('Mul', [
      graph.node('Reshape', [sums.get(totals)!, graph.int64s([-1, 1])]),
      terms.prototypes,
    ]);
    if (quantity === 'gradient') return graph.node('Mul', [graph.node('Sub', [own, sums.get(pull)!]), two]);
    return graph.node('Sub', [graph.node('Mul', [own, two]), sums.get(pull)!]);
  };
  return new Map(
    [...quantities].map((quantity): [TokenQuantity, OnnxName] => {
      if (isPrototypeGradient(quantity)) return [quantity, onPrototypes(quantity)];
      // One number per token is a column there.
      if (quantity === 'lossByWeights') {
        return [quantity, graph.node('Reshape', [rows.get(quantity)!, graph.int64s([-1])])];
      }
      if (quantity === 'lq' && !sums.has('lq')) {
        return [quantity, graph.node('Add', [sums.get('lols')!, sums.get('v')!])];
      }
      return [quantity, isRow(quantity) ? rows.get(quantity)! : sums.get(quantity)!];
    }),
  );
}

import type { Shape, TensorType } from '@ddcl/core/backend';
import { OnnxGraph, type OnnxName } from '../../onnx/graph.ts';
import type { Emitter } from '../emitter.ts';
import type { TokenQuantity } from './plan-loops.ts';
import { emitTile, prototypeTerms, sumsOf, type PrototypeTerms, type TileResults, type TileSum } from './tile.ts';
import { tileRows, type Tiling } from './tile-rows.ts';

/** Names and types of the operands of a loop. */
export interface LoopOperands {
  readonly tokens: OnnxName;
  readonly prototypes: OnnxName;
  readonly temperature: OnnxName;
  readonly weights: OnnxName | undefined;
  readonly tokensType: TensorType;
  readonly prototypesType: TensorType;
}

/**
 * Writes one pass over the tokens. Known sizes become a `Scan` over tiles, whose N x K intermediates never leave the cache; ONNX
 * Runtime hands the body views of the tokens, not copies. Symbolic sizes, and few tokens, are written as one tile.
 *
 * Two matrix products and a softmax, not a fused attention: measured on five shapes, `com.microsoft.MultiHeadAttention` was as fast
 * on one and 8 to 28 % slower on the others (docs/decisions/0032-onnx.md).
 */
export function emitTokenLoop(
  emitter: Emitter,
  operands: LoopOperands,
  quantities: ReadonlySet<TokenQuantity>,
): ReadonlyMap<TokenQuantity, OnnxName> {
  const { graph } = emitter;
  const { tokensType, prototypesType } = operands;
  const [n, m] = tokensType.shape as [number | string, number | string];
  const [count] = prototypesType.shape as [number | string];
  const terms = prototypeTerms(graph, operands.prototypes, operands.temperature, {
    count: emitter.size(count),
    narrow: typeof m === 'number' && typeof count === 'number' && m <= count,
  });
  const weights = operands.weights && graph.node('Reshape', [operands.weights, graph.int64s([-1, 1])]);
  const sized = emitter.tiled && typeof n === 'number' && typeof m === 'number' && typeof count === 'number';
  const tiling = sized ? tileRows(n, count) : undefined;
  const results =
    tiling === undefined
      ? emitTile(graph, operands.tokens, weights, terms, quantities)
      : emitScan(graph, operands.tokens, weights, terms, quantities, tiling, {
          m: m as number,
          count: count as number,
        });
  return assemble(graph, results, terms, quantities);
}

interface ScanSizes {
  readonly m: number;
  readonly count: number;
}

function emitScan(
  graph: OnnxGraph,
  tokens: OnnxName,
  weights: OnnxName | undefined,
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
  const shapeOf = (sum: TileSum): number[] =>
    sum === 'pull' ? [count, m] : sum === 'totals' || sum === 'mass' || sum === 'wins' ? [count] : [];
  const before = new Map(sumNames.map((sum) => [sum, body.input(graph.fresh(sum), 'float32', shapeOf(sum))]));
  const tile = body.input(graph.fresh('tile'), 'float32', [rows, m]);
  const tileWeights = weights && body.input(graph.fresh('weights'), 'float32', [rows, 1]);
  const inside = emitTile(body, tile, tileWeights, terms, quantities, before);
  const leave = (value: OnnxName, shape: Shape): void => {
    const name = graph.fresh('out');
    body.rename(value, name);
    body.output(name, 'float32', shape);
  };
  for (const sum of sumNames) leave(inside.sums.get(sum)!, shapeOf(sum));
  for (const [name, value] of inside.rows) leave(value, [rows, name === 'outputs' ? m : count]);

  const zeros = sumNames.map((sum) => graph.node('Expand', [graph.float(0), graph.int64s(shapeOf(sum))]));
  const scanned = [head(tokens, m), ...(weights === undefined ? [] : [head(weights, 1)])];
  const outputs = graph.nodes('Scan', [...zeros, ...scanned], {
    attributes: { body: { graph: body.proto('tile') }, num_scan_inputs: { int: scanned.length } },
    outputs: sumNames.length + inside.rows.size,
  });
  const sums = new Map(sumNames.map((sum, index) => [sum, outputs[index]!]));
  const rowValues = new Map(
    [...inside.rows.keys()].map((name, index): ['assignments' | 'outputs', OnnxName] => {
      const flat = graph.int64s([tiles * rows, name === 'outputs' ? m : count]);
      return [name, graph.node('Reshape', [outputs[sumNames.length + index]!, flat])];
    }),
  );
  if (rest === 0) return { rows: rowValues, sums };

  const end = tiles * rows + rest;
  const last = emitTile(
    graph,
    part(tokens, tiles * rows, end),
    weights && part(weights, tiles * rows, end),
    terms,
    quantities,
    sums,
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

/** The quantities as composites return them: `gradient` is `2 ((sum_n a_n w_nk) p_k - (W^T diag(a) Z)_k)`. */
function assemble(
  graph: OnnxGraph,
  { rows, sums }: TileResults,
  terms: PrototypeTerms,
  quantities: ReadonlySet<TokenQuantity>,
): ReadonlyMap<TokenQuantity, OnnxName> {
  const results = new Map<TokenQuantity, OnnxName>();
  for (const quantity of quantities) {
    if (quantity === 'gradient') {
      const totals = graph.node('Reshape', [sums.get('totals')!, graph.int64s([-1, 1])]);
      const pull = graph.node('Sub', [graph.node('Mul', [totals, terms.prototypes]), sums.get('pull')!]);
      results.set(quantity, graph.node('Mul', [pull, graph.float(2)]));
    } else if (quantity === 'assignments' || quantity === 'outputs') {
      results.set(quantity, rows.get(quantity)!);
    } else {
      results.set(quantity, sums.get(quantity)!);
    }
  }
  return results;
}

import type { Shape, TensorType, TokenPassOperands, TokenQuantity } from '@ddcl/core/backend';
import { OnnxGraph, type OnnxName } from '../../onnx/graph.ts';
import type { Emitter, Piece } from '../emitter.ts';
import { lossScales } from './tile-gradients.ts';
import {
  isPrototypeGradient,
  isRow,
  isWideRow,
  prototypeGradients,
  sumsOf,
  type PrototypeGradient,
  type TileSum,
  type TokenRow,
} from './tile-quantities.ts';
import { emitTile, prototypeTerms, type PrototypeTerms, type TileResults, type TileTokens } from './tile.ts';
import { inHalves, tileRows, tilesPerPiece, type Tiling } from './tile-rows.ts';

/**
 * Writes one pass over the tokens. Known sizes become a `Scan` over tiles, whose N x K intermediates never leave the cache; ONNX
 * Runtime hands the body views of the tokens, not copies. Symbolic sizes, and few tokens, are written as one tile.
 *
 * Two matrix products and a softmax, not a fused attention: measured on five shapes, `com.microsoft.MultiHeadAttention` was as fast
 * on one and 8 to 28 % slower on the others (docs/decisions/0032-onnx.md).
 *
 * @param leaving quantities that are results of the program and nothing else; they may come in pieces
 */
export function emitTokenLoop(
  emitter: Emitter,
  operands: TokenPassOperands<OnnxName>,
  types: TokenPassOperands<TensorType>,
  quantities: ReadonlySet<TokenQuantity>,
  leaving: ReadonlySet<TokenQuantity>,
): ReadonlyMap<TokenQuantity, OnnxName> {
  const { graph } = emitter;
  const [n, m] = types.tokens.shape as [number | string, number | string];
  const [count] = types.prototypes.shape as [number | string];
  const terms = prototypeTerms(graph, operands.prototypes, operands.temperature, {
    count: emitter.size(count),
    narrow: typeof m === 'number' && typeof count === 'number' && m <= count,
    scales: lossScales(graph, operands),
  });
  const { tokens, weights, onOutputs } = operands;
  const sized = emitter.tiled && typeof n === 'number' && typeof m === 'number' && typeof count === 'number';
  const tiling = sized ? tileRows(n, count) : undefined;
  const column = weights && tiling === undefined ? graph.node('Reshape', [weights, graph.int64s([-1, 1])]) : undefined;
  const results =
    tiling === undefined
      ? emitTile(graph, { tokens, weights: column, onOutputs }, terms, quantities, {
          ...(sized && { sizes: { rows: n, m, count } }),
        })
      : emitScans(emitter, { tokens, weights, onOutputs }, terms, quantities, {
          tiling,
          m: m as number,
          count: count as number,
          leaving: new Set([...leaving].filter(isWideRow)),
        });
  return assemble(graph, results, terms, quantities);
}

interface ScanOptions {
  readonly tiling: Tiling;
  readonly m: number;
  readonly count: number;
  readonly leaving: ReadonlySet<TokenRow>;
}

function emitScans(
  emitter: Emitter,
  given: TileTokens,
  terms: PrototypeTerms,
  quantities: ReadonlySet<TokenQuantity>,
  { tiling: { tiles, rows, rest }, m, count, leaving }: ScanOptions,
): TileResults {
  const { graph } = emitter;
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
  const widthOf = (row: TokenRow): number => (row === 'assignments' ? count : isWideRow(row) ? m : 1);
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

  /** What is given of some tokens, from one of them on: tiles of them, or a few. */
  const cut = (first: number, ...shape: number[]): TileTokens => {
    const part = (x: OnnxName, width: number): OnnxName =>
      cutRows(emitter, x, first, [...shape, width], tiles * rows + rest);
    return {
      tokens: part(tokens, m),
      weights: weights && part(weights, 1),
      onOutputs: onOutputs && part(onOutputs, m),
    };
  };
  const isCut = [tokens, onOutputs].every((each) => each === undefined || emitter.isInput(each));
  const widest = Math.max(0, ...[...leaving].map(widthOf));
  const most = isCut && widest > 0 ? tilesPerPiece(tiles, rows * widest) : tiles;

  let sums = new Map(sumNames.map((sum) => [sum, graph.node('Expand', [graph.float(0), graph.int64s(shapeOf(sum))])]));
  const pieces = new Map([...inside.rows.keys()].map((name): [TokenRow, Piece[]] => [name, []]));
  for (let first = 0; first < tiles; first += most) {
    const some = Math.min(most, tiles - first);
    const scanned = Object.values(cut(first * rows, some, rows)).filter((each) => each !== undefined);
    const outputs = graph.nodes('Scan', [...sums.values(), ...scanned], {
      attributes: { body: { graph: body.proto('tile') }, num_scan_inputs: { int: scanned.length } },
      outputs: sumNames.length + inside.rows.size,
    });
    sums = new Map(sumNames.map((sum, index) => [sum, outputs[index]!]));
    [...pieces].forEach(([name, list], index) =>
      list.push({
        value: outputs[sumNames.length + index]!,
        start: first * rows * widthOf(name),
        shape: [some, rows, widthOf(name)],
      }),
    );
  }
  if (halves && sums.has('pull')) sums.set('pull', graph.reduce('ReduceSum', sums.get('pull')!, [0], false));
  let results: TileResults = { rows: new Map(), sums };
  if (rest > 0) {
    const last = emitTile(graph, cut(tiles * rows, rest), terms, quantities, { before: sums });
    for (const [name, list] of pieces) {
      const width = widthOf(name);
      list.push({ value: last.rows.get(name)!, start: tiles * rows * width, shape: [rest, width] });
    }
    results = last;
  }
  const whole = ([name, list]: [TokenRow, Piece[]]): [TokenRow, OnnxName] => {
    if (leaving.has(name) && emitter.takesPieces) return [name, emitter.leave(list)];
    const flat = list.map(({ value, shape }) =>
      shape.length === 2 ? value : graph.node('Reshape', [value, graph.int64s([-1, widthOf(name)])]),
    );
    return [name, flat.length === 1 ? flat[0]! : graph.node('Concat', flat, { axis: { int: 0 } })];
  };
  return { rows: new Map([...pieces].map(whole)), sums: results.sums };
}

/** Rows of `x`, of `shape`, from `first` on: as a piece of an input of the program, else a copy. */
function cutRows(emitter: Emitter, x: OnnxName, first: number, shape: readonly number[], all: number): OnnxName {
  const { graph } = emitter;
  const width = shape.at(-1)!;
  const count = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  if (count === all) return graph.node('Reshape', [x, graph.int64s(shape)]);
  if (emitter.isInput(x)) return emitter.piece(x, first * width, shape);
  const some = graph.node('Slice', [x, graph.int64s([first]), graph.int64s([first + count]), graph.int64s([0])]);
  return graph.node('Reshape', [some, graph.int64s(shape)]);
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
      if (quantity === 'gradientMass') return [quantity, sums.get('totals')!];
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

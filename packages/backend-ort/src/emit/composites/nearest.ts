import type { CompositeAttributes, Dimension } from '@ddcl/core/backend';
import { OnnxGraph, type OnnxName } from '../../onnx/graph.ts';
import { cast, type EmitCall, type Emitter } from '../emitter.ts';

/** Closeness of all tokens to some prototypes holds at most about this many numbers (8 MiB); more prototypes come in tiles. */
const tileElements = 1 << 21;
/** Prototypes of a tile where the number of tokens is not known. */
const usualColumns = 512;
/** Below this the matrix product of a tile is too small. */
const fewestColumns = 128;
/** The lowest float32: nothing that is compared is below it. */
const lowest = -3.4028234663852886e38;

/** The closest so far of each token, [n, k]: `2 z.p - |p|^2`, largest where the distance is smallest, and int64 places. */
interface Closest {
  readonly closeness: OnnxName;
  readonly places: OnnxName;
}

/**
 * `ddcl.nearest/1` {k} (tokens, prototypes): a product and its largest elements; for many prototypes a `Scan` over tiles of them that keeps
 * the best so far, so that no n x K array exists.
 */
export function emitNearest(
  emitter: Emitter,
  { attributes, inputs, inputTypes, needed }: EmitCall<CompositeAttributes>,
): OnnxName[] {
  const { graph } = emitter;
  const [tokens, prototypes] = inputs as [OnnxName, OnnxName];
  const [n, m] = inputTypes[0]!.shape as [Dimension, Dimension];
  const count = inputTypes[1]!.shape[0]!;
  const k = attributes['k'] as number;
  const rowSquares = (x: OnnxName): OnnxName => graph.reduce('ReduceSum', graph.node('Mul', [x, x]), [1], true);
  const keys = graph.node('Mul', [prototypes, graph.float(2)]);
  const bias = graph.node('Neg', [rowSquares(prototypes)]);
  // One number more per token, so that the product adds the bias: Gemm's third operand fills all of [n, K] first, on one thread.
  const rows = beside(graph, tokens, graph.node('Expand', [graph.float(1), emitter.shape([n, 1])]));
  const columns = columnsOfTile(n, count, k);
  const isOneTile = columns === undefined || typeof count === 'string';
  const product = (): OnnxName => graph.node('Gemm', [rows, beside(graph, keys, bias)], { transB: { int: 1 } });
  // Distances that nobody asked for would be a third of the time beside tokens of few numbers.
  if (isOneTile && k === 1 && !needed[1]) return [cast(graph, placeOfLargest(graph, product()), 'int32')];
  const { closeness, places } = isOneTile
    ? closestOf(graph, product(), k)
    : emitScan(emitter, rows, { keys, bias }, { n, m, k, count, columns });
  const distances = graph.node('Max', [graph.node('Sub', [rowSquares(tokens), closeness]), graph.float(0)]);
  return [cast(graph, places, 'int32'), distances];
}

const beside = (graph: OnnxGraph, x: OnnxName, y: OnnxName): OnnxName =>
  graph.node('Concat', [x, y], { axis: { int: 1 } });

/** Of each row, [n, 1]; ties go to the lower place. */
const placeOfLargest = (graph: OnnxGraph, closeness: OnnxName): OnnxName =>
  graph.node('ArgMax', [closeness], { axis: { int: 1 }, keepdims: { int: 1 } });

/** Prototypes per tile, as even as may be; undefined where one tile holds all, or their number is not known. */
function columnsOfTile(n: Dimension, count: Dimension, k: number): number | undefined {
  if (typeof count === 'string') return undefined;
  const most = typeof n === 'number' ? Math.max(fewestColumns, Math.floor(tileElements / n)) : usualColumns;
  return count <= 2 * most ? undefined : Math.max(k, Math.ceil(count / Math.ceil(count / most)));
}

/** The k largest of each row. Ties go to the lower place, by the meaning of both ops. */
function closestOf(graph: OnnxGraph, closeness: OnnxName, k: number): Closest {
  if (k === 1) {
    return {
      closeness: graph.reduce('ReduceMax', closeness, [1], true),
      places: placeOfLargest(graph, closeness),
    };
  }
  const [best, places] = graph.nodes('TopK', [closeness, graph.int64s([k])], {
    attributes: { axis: { int: 1 } },
    outputs: 2,
  });
  return { closeness: best!, places: places! };
}

interface ScanSizes {
  readonly n: Dimension;
  readonly m: Dimension;
  readonly k: number;
  readonly count: number;
  readonly columns: number;
}

function emitScan(
  emitter: Emitter,
  rows: OnnxName,
  { keys, bias }: { readonly keys: OnnxName; readonly bias: OnnxName },
  { n, m, k, count, columns }: ScanSizes,
): Closest {
  const { graph } = emitter;
  const tiles = Math.ceil(count / columns);
  const missing = tiles * columns - count;
  /** Filled up with prototypes that are nobody's nearest. */
  const filled = (x: OnnxName, fill: number): OnnxName =>
    missing === 0 ? x : graph.node('Pad', [x, graph.int64s([0, 0, missing, 0]), graph.float(fill)]);
  const whole = beside(graph, filled(keys, 0), filled(bias, lowest));
  const tiled = graph.node('Reshape', [whole, graph.int64s([tiles, columns, -1])]);
  const first = graph.constant(
    'int64',
    [tiles],
    BigInt64Array.from({ length: tiles }, (_, tile) => BigInt(tile * columns)),
  );

  const body = new OnnxGraph(graph);
  const before = {
    closeness: body.input(graph.fresh('best'), 'float32', [n, k]),
    places: body.input(graph.fresh('places'), 'int64', [n, k]),
  };
  const tileKeys = body.input(graph.fresh('keys'), 'float32', [
    columns,
    typeof m === 'number' ? m + 1 : `${m} beside 1`,
  ]);
  const tileFirst = body.input(graph.fresh('first'), 'int64', []);
  const own = closestOf(body, body.node('Gemm', [rows, tileKeys], { transB: { int: 1 } }), k);
  const after = closer(body, before, { ...own, places: body.node('Add', [own.places, tileFirst]) }, k);
  for (const [value, dtype] of [
    [after.closeness, 'float32'],
    [after.places, 'int64'],
  ] as const) {
    const name = graph.fresh('out');
    body.rename(value, name);
    body.output(name, dtype, [n, k]);
  }
  const shape = emitter.shape([n, k]);
  const [closeness, places] = graph.nodes(
    'Scan',
    [
      graph.node('Expand', [graph.float(lowest), shape]),
      graph.node('Expand', [graph.constant('int64', [], BigInt64Array.of(0n)), shape]),
      tiled,
      first,
    ],
    { attributes: { body: { graph: body.proto('tile') }, num_scan_inputs: { int: 2 } }, outputs: 2 },
  );
  return { closeness: closeness!, places: places! };
}

/** The best of two; those before win a tie, since their places are lower. */
function closer(graph: OnnxGraph, before: Closest, own: Closest, k: number): Closest {
  if (k === 1) {
    const better = graph.node('Greater', [own.closeness, before.closeness]);
    return {
      closeness: graph.node('Max', [own.closeness, before.closeness]),
      places: graph.node('Where', [better, own.places, before.places]),
    };
  }
  const both = (what: keyof Closest): OnnxName => graph.node('Concat', [before[what], own[what]], { axis: { int: 1 } });
  const best = closestOf(graph, both('closeness'), k);
  return {
    closeness: best.closeness,
    places: graph.node('GatherElements', [both('places'), best.places], { axis: { int: 1 } }),
  };
}

import type { TokenQuantity } from '@ddcl/core/backend';
import { dataTypeNumber } from '../../onnx/tensor.ts';
import type { OnnxGraph, OnnxName } from '../../onnx/graph.ts';
import { emitPullBack, type LossScales } from './tile-gradients.ts';
import { sumsOf, type TileSum, type TokenRow } from './tile-quantities.ts';
import { inHalves, type TileSizes } from './tile-rows.ts';

/** What every tile needs of the prototypes, computed once before the loop. */
export interface PrototypeTerms {
  /** P, [K, m]. */
  readonly prototypes: OnnxName;
  /** 2 P^T / T, [m, K]: transposed once, so that the products of the tiles need not. */
  readonly keys: OnnxName;
  /** -|p|^2 / T, [K]. */
  readonly bias: OnnxName;
  /** |p|^2, [K, 1]. */
  readonly squares: OnnxName;
  readonly temperature: OnnxName;
  /** Cotangents of L_q and L_OLS, for the gradient of the loss. */
  readonly scales: LossScales;
  /** K as an int64 scalar. */
  readonly count: OnnxName;
  /** Whether a token has fewer numbers than there are prototypes; then weights go to tokens, otherwise to assignments. */
  readonly narrow: boolean;
}

/**
 * Sums of the rows of [b, w], [b]. Not [b, 1]: between that and a scalar ONNX Runtime goes element by element, and a tile's arithmetic
 * on numbers per token takes five times as long.
 */
const rowSum = (graph: OnnxGraph, x: OnnxName): OnnxName => graph.reduce('ReduceSum', x, [1], false);

/** ONNX Runtime's ReduceSumSquare goes element by element; these two ops together take a third of its time. */
const rowSquares = (graph: OnnxGraph, x: OnnxName): OnnxName => rowSum(graph, graph.node('Mul', [x, x]));

export function prototypeTerms(
  graph: OnnxGraph,
  prototypes: OnnxName,
  temperature: OnnxName,
  others: Pick<PrototypeTerms, 'count' | 'narrow' | 'scales'>,
): PrototypeTerms {
  const squares = rowSquares(graph, prototypes);
  const scaled = graph.node('Mul', [prototypes, graph.node('Div', [graph.float(2), temperature])]);
  return {
    prototypes,
    keys: graph.node('Transpose', [scaled], { perm: { ints: [1, 0] } }),
    bias: graph.node('Div', [graph.node('Neg', [squares]), temperature]),
    squares: graph.node('Reshape', [squares, graph.int64s([-1, 1])]),
    temperature,
    ...others,
  };
}

/** What a tile is given of each token. */
export interface TileTokens {
  /** [b, m]. */
  readonly tokens: OnnxName;
  /** [b, 1]. */
  readonly weights?: OnnxName | undefined;
  /** Cotangent of the outputs, [b, m]. */
  readonly onOutputs?: OnnxName | undefined;
}

/** What one tile gives: a row per token, and sums over its tokens added to those before. */
export interface TileResults {
  readonly rows: ReadonlyMap<TokenRow, OnnxName>;
  readonly sums: ReadonlyMap<TileSum, OnnxName>;
}

/** What is known about a tile beside its operands. */
export interface TileOptions {
  /** Sums to add to; without them the tile's own are returned. */
  readonly before?: ReadonlyMap<TileSum, OnnxName>;
  /** Sizes, where they are known. */
  readonly sizes?: TileSizes;
}

/**
 * Writes the work on one tile of tokens. With logits x_k = (2 z.p_k - |p_k|^2) / T and
 * s = sum_k q_k x_k, distances cancel out: l = |z|^2 - T s, and w_k = q_k (1 + x_k - s) (docs/math.md section 3), so that each of the
 * b x K passes is one op. V is `sum_k q_k |p_k|^2 - |y|^2`, the variance of the mixture.
 */
export function emitTile(
  graph: OnnxGraph,
  { tokens, weights, onOutputs }: TileTokens,
  terms: PrototypeTerms,
  quantities: ReadonlySet<TokenQuantity>,
  { before, sizes }: TileOptions = {},
): TileResults {
  const wants = (...some: TokenQuantity[]): boolean => some.some((quantity) => quantities.has(quantity));
  const wantsLq = sumsOf(quantities).includes('lq');
  const rows = new Map<TokenRow, OnnxName>();
  const sums = new Map<TileSum, OnnxName>();
  const notBelow0 = (x: OnnxName): OnnxName => graph.node('Max', [x, graph.float(0)]);
  const shaped = (x: OnnxName, ...shape: number[]): OnnxName => graph.node('Reshape', [x, graph.int64s(shape)]);
  const keep = (name: TileSum, value: OnnxName): void => {
    const sum = before?.get(name);
    sums.set(name, sum === undefined ? value : graph.node('Add', [sum, value]));
  };
  const weightOfEach = weights && shaped(weights, -1);
  /** Adds `sum_n a_n x_n` of [b]. */
  const keepSum = (name: TileSum, x: OnnxName): void =>
    keep(name, graph.node('ReduceSum', [graph.node('Mul', [x, weightOfEach!])], { keepdims: { int: 0 } }));
  /** Adds `sum_n c_n X_nk`; the c_n as [1, b]. */
  const keepColumns = (name: TileSum, matrix: OnnxName, row: OnnxName): void =>
    keep(name, shaped(graph.node('MatMul', [row, matrix]), -1));

  const logits = graph.node('Gemm', [tokens, terms.keys, terms.bias]);
  const q = graph.node('Softmax', [logits], { axis: { int: 1 } });
  if (wants('assignments')) rows.set('assignments', q);
  if (wants('mass')) keepColumns('mass', q, shaped(weights!, 1, -1));

  const forLoss = wants('lossByTokens', 'lossByWeights', 'lossByPrototypes', 'lossByTemperature');
  const forOutputs = wants('outputsByTokens', 'outputsByPrototypes', 'outputsByTemperature');
  const tokenSquares =
    wantsLq || wants('hard', 'nearestDistance', 'lossByWeights') ? rowSquares(graph, tokens) : undefined;
  const meanLogit =
    wantsLq || wants('gradient', 'gradientMass') || forLoss || forOutputs
      ? rowSum(graph, graph.node('Mul', [q, logits]))
      : undefined;
  const meanLogits = meanLogit && shaped(meanLogit, -1, 1);
  /** `|z|^2 - T x`: the distance that belongs to a logit. */
  const distance = (logit: OnnxName): OnnxName =>
    notBelow0(graph.node('Sub', [tokenSquares!, graph.node('Mul', [logit, terms.temperature])]));
  if (wantsLq) keepSum('lq', distance(meanLogit!));

  const withResidual = forLoss && terms.scales.lols !== undefined;
  const outputs = wants('outputs', 'lols', 'v') || withResidual ? graph.node('Gemm', [q, terms.prototypes]) : undefined;
  if (outputs !== undefined) {
    if (wants('outputs')) rows.set('outputs', outputs);
    if (wants('lols')) keepSum('lols', rowSquares(graph, graph.node('Sub', [tokens, outputs])));
    if (wants('v')) {
      const meanSquare = shaped(graph.node('MatMul', [q, terms.squares]), -1);
      keepSum('v', notBelow0(graph.node('Sub', [meanSquare, rowSquares(graph, outputs)])));
    }
  }

  if (wants('gradient', 'gradientMass')) {
    const offset = shaped(graph.node('Sub', [graph.float(1), meanLogit!]), -1, 1);
    const w = graph.node('Mul', [q, graph.node('Add', [logits, offset])]);
    // The weights go where there are fewer numbers to multiply.
    const left = terms.narrow ? w : graph.node('Mul', [w, weights!]);
    const right = terms.narrow ? graph.node('Mul', [tokens, weights!]) : tokens;
    if (wants('gradient') && sizes !== undefined && inHalves(sizes)) {
      const { rows: count, m } = sizes;
      const halves = graph.node('Transpose', [shaped(left, 2, count / 2, -1)], { perm: { ints: [0, 2, 1] } });
      const pulls = graph.node('MatMul', [halves, shaped(right, 2, count / 2, m)]);
      if (before === undefined) sums.set('pull', graph.reduce('ReduceSum', pulls, [0], false));
      else keep('pull', pulls);
    } else if (wants('gradient')) {
      const sum = before?.get('pull');
      sums.set('pull', graph.node('Gemm', [left, right, ...(sum === undefined ? [] : [sum])], { transA: { int: 1 } }));
    }
    if (terms.narrow) keepColumns('totals', w, shaped(weights!, 1, -1));
    else if (sizes === undefined) keep('totals', graph.reduce('ReduceSum', left, [0], false));
    // Sums of columns as a product: ReduceSum takes twice as long.
    else keepColumns('totals', left, graph.constant('float32', [1, sizes.rows], new Float32Array(sizes.rows).fill(1)));
  }

  if (wants('hard', 'entropy', 'nearestDistance')) {
    const highest = graph.reduce('ReduceMax', logits, [1], true);
    if (wants('hard')) keepSum('hard', distance(shaped(highest, -1)));
    if (wants('nearestDistance')) rows.set('nearestDistance', shaped(distance(shaped(highest, -1)), -1, 1));
    if (wants('entropy')) {
      const shifted = graph.node('Sub', [logits, highest]);
      const logTotal = graph.node('Log', [rowSum(graph, graph.node('Exp', [shifted]))]);
      keepSum('entropy', graph.node('Sub', [logTotal, rowSum(graph, graph.node('Mul', [q, shifted]))]));
    }
  }
  if (wants('nearest')) {
    const winner = graph.node('ArgMax', [logits], { axis: { int: 1 }, keepdims: { int: 1 } });
    rows.set('nearest', graph.node('Cast', [winner], { to: { int: dataTypeNumber('int32') } }));
  }
  if (wants('wins')) {
    // ArgMax takes the lowest index of a tie, which a comparison with the maximum would not.
    const winner = graph.node('ArgMax', [logits], { axis: { int: 1 }, keepdims: { int: 0 } });
    const sum = before?.get('wins') ?? graph.node('Expand', [graph.float(0), shaped(terms.count, 1)]);
    // A product with the rows of a OneHot takes as long as all distances of the tile.
    const add = { axis: { int: 0 }, reduction: { text: 'add' } } as const;
    sums.set('wins', graph.node('ScatterElements', [sum, winner, weightOfEach!], add, { since: 16 }));
  }
  const pass = { graph, tokens, terms, q, logits, meanLogit: meanLogits!, before, sums };
  if (forLoss) {
    const { lq, lols } = terms.scales;
    const residual = withResidual ? graph.node('Sub', [outputs!, tokens]) : undefined;
    if (wants('lossByWeights')) {
      const parts = [
        ...(lq === undefined ? [] : [graph.node('Mul', [distance(meanLogit!), lq])]),
        ...(residual === undefined ? [] : [graph.node('Mul', [rowSquares(graph, residual), lols!])]),
      ];
      rows.set('lossByWeights', shaped(parts.length === 1 ? parts[0]! : graph.node('Add', parts), -1, 1));
    }
    const flowing = emitPullBack(pass, {
      direct: lq && graph.node('Mul', [weights!, lq]),
      // `-2 c_ols a (z - y)`.
      onOutputs:
        residual &&
        graph.node('Mul', [residual, graph.node('Mul', [weights!, graph.node('Mul', [lols!, graph.float(2)])])]),
      isResidual: true,
      tokens: wants('lossByTokens'),
      pull: wants('lossByPrototypes') ? ['lossPull', 'lossTotals'] : undefined,
      temperature: wants('lossByTemperature') ? 'lossByTemperature' : undefined,
    });
    if (flowing !== undefined) rows.set('lossByTokens', flowing);
  }
  if (forOutputs) {
    const flowing = emitPullBack(pass, {
      direct: undefined,
      onOutputs: onOutputs!,
      isResidual: false,
      tokens: wants('outputsByTokens'),
      pull: wants('outputsByPrototypes') ? ['outputsPull', 'outputsTotals'] : undefined,
      temperature: wants('outputsByTemperature') ? 'outputsByTemperature' : undefined,
    });
    if (flowing !== undefined) rows.set('outputsByTokens', flowing);
  }
  return { rows, sums };
}

import type { OnnxGraph, OnnxName } from '../../onnx/graph.ts';
import type { TokenQuantity } from './plan-loops.ts';

/** What every tile needs of the prototypes, computed once before the loop. */
export interface PrototypeTerms {
  /** P, [K, m]. */
  readonly prototypes: OnnxName;
  /** 2 P / T, [K, m]. */
  readonly keys: OnnxName;
  /** -|p|^2 / T, [K]. */
  readonly bias: OnnxName;
  /** |p|^2, [K, 1]. */
  readonly squares: OnnxName;
  readonly temperature: OnnxName;
  /** K as an int64 scalar. */
  readonly count: OnnxName;
  /** Whether a token has fewer numbers than there are prototypes; then weights go to tokens, otherwise to assignments. */
  readonly narrow: boolean;
}

const rowSum = (graph: OnnxGraph, x: OnnxName): OnnxName => graph.reduce('ReduceSum', x, [1], true);

/** ONNX Runtime's ReduceSumSquare goes element by element; these two ops together take a third of its time. */
const rowSquares = (graph: OnnxGraph, x: OnnxName): OnnxName => rowSum(graph, graph.node('Mul', [x, x]));

export function prototypeTerms(
  graph: OnnxGraph,
  prototypes: OnnxName,
  temperature: OnnxName,
  sizes: { readonly count: OnnxName; readonly narrow: boolean },
): PrototypeTerms {
  const squares = rowSquares(graph, prototypes);
  const bias = graph.node('Div', [graph.node('Neg', [squares]), temperature]);
  return {
    prototypes,
    keys: graph.node('Mul', [prototypes, graph.node('Div', [graph.float(2), temperature])]),
    bias: graph.node('Reshape', [bias, graph.int64s([-1])]),
    squares,
    temperature,
    ...sizes,
  };
}

/** Sums that a tile adds to, by quantity; `gradient` is two of them. */
export type TileSum = Exclude<TokenQuantity, 'assignments' | 'outputs' | 'gradient'> | 'pull' | 'totals';

/** What one tile gives: a row per token, and sums over its tokens added to those before. */
export interface TileResults {
  readonly rows: ReadonlyMap<'assignments' | 'outputs', OnnxName>;
  readonly sums: ReadonlyMap<TileSum, OnnxName>;
}

/** The sums that a set of quantities needs. */
export function sumsOf(quantities: ReadonlySet<TokenQuantity>): TileSum[] {
  return [...quantities].flatMap((quantity): TileSum[] => {
    if (quantity === 'assignments' || quantity === 'outputs') return [];
    return quantity === 'gradient' ? ['pull', 'totals'] : [quantity];
  });
}

/**
 * Writes the work on one tile of tokens [b, m] with weights [b, 1]. With logits x_k = (2 z.p_k - |p_k|^2) / T and
 * s = sum_k q_k x_k, distances cancel out: l = |z|^2 - T s, and w_k = q_k (1 + x_k - s) (docs/math.md section 3), so that each of the
 * b x K passes is one op. V is `sum_k q_k |p_k|^2 - |y|^2`, the variance of the mixture.
 *
 * @param before sums to add to; without them the tile's own are returned
 */
export function emitTile(
  graph: OnnxGraph,
  tokens: OnnxName,
  weights: OnnxName | undefined,
  terms: PrototypeTerms,
  quantities: ReadonlySet<TokenQuantity>,
  before?: ReadonlyMap<TileSum, OnnxName>,
): TileResults {
  const wants = (...some: TokenQuantity[]): boolean => some.some((quantity) => quantities.has(quantity));
  const rows = new Map<'assignments' | 'outputs', OnnxName>();
  const sums = new Map<TileSum, OnnxName>();
  const notBelow0 = (x: OnnxName): OnnxName => graph.node('Max', [x, graph.float(0)]);
  const keep = (name: TileSum, value: OnnxName): void => {
    const sum = before?.get(name);
    sums.set(name, sum === undefined ? value : graph.node('Add', [sum, value]));
  };
  /** Adds `sum_n a_n x_n` of a column. */
  const keepSum = (name: TileSum, column: OnnxName): void =>
    keep(name, graph.node('ReduceSum', [graph.node('Mul', [column, weights!])], { keepdims: { int: 0 } }));
  /** Adds `sum_n a_n X_nk`. */
  const keepColumns = (name: TileSum, matrix: OnnxName, column: OnnxName): void => {
    const total = graph.node('Gemm', [column, matrix], { transA: { int: 1 } });
    keep(name, graph.node('Reshape', [total, graph.int64s([-1])]));
  };

  const logits = graph.node('Gemm', [tokens, terms.keys, terms.bias], { transB: { int: 1 } });
  const q = graph.node('Softmax', [logits], { axis: { int: 1 } });
  if (wants('assignments')) rows.set('assignments', q);
  if (wants('mass')) keepColumns('mass', q, weights!);

  const tokenSquares = wants('lq', 'hard') ? rowSquares(graph, tokens) : undefined;
  const meanLogit = wants('lq', 'gradient') ? rowSum(graph, graph.node('Mul', [q, logits])) : undefined;
  /** `|z|^2 - T x`: the distance that belongs to a logit. */
  const distance = (logit: OnnxName): OnnxName =>
    notBelow0(graph.node('Sub', [tokenSquares!, graph.node('Mul', [logit, terms.temperature])]));
  if (wants('lq')) keepSum('lq', distance(meanLogit!));

  if (wants('outputs', 'lols', 'v')) {
    const outputs = graph.node('Gemm', [q, terms.prototypes]);
    if (wants('outputs')) rows.set('outputs', outputs);
    if (wants('lols')) keepSum('lols', rowSquares(graph, graph.node('Sub', [tokens, outputs])));
    if (wants('v')) {
      const meanSquare = graph.node('MatMul', [q, terms.squares]);
      keepSum('v', notBelow0(graph.node('Sub', [meanSquare, rowSquares(graph, outputs)])));
    }
  }

  if (wants('gradient')) {
    const offset = graph.node('Sub', [graph.float(1), meanLogit!]);
    const w = graph.node('Mul', [q, graph.node('Add', [logits, offset])]);
    // The weights go where there are fewer numbers to multiply.
    const left = terms.narrow ? w : graph.node('Mul', [w, weights!]);
    const right = terms.narrow ? graph.node('Mul', [tokens, weights!]) : tokens;
    const sum = before?.get('pull');
    sums.set('pull', graph.node('Gemm', [left, right, ...(sum === undefined ? [] : [sum])], { transA: { int: 1 } }));
    if (terms.narrow) keepColumns('totals', w, weights!);
    else keep('totals', graph.reduce('ReduceSum', left, [0], false));
  }

  if (wants('hard', 'entropy')) {
    const highest = graph.reduce('ReduceMax', logits, [1], true);
    if (wants('hard')) keepSum('hard', distance(highest));
    if (wants('entropy')) {
      const shifted = graph.node('Sub', [logits, highest]);
      const logTotal = graph.node('Log', [rowSum(graph, graph.node('Exp', [shifted]))]);
      keepSum('entropy', graph.node('Sub', [logTotal, rowSum(graph, graph.node('Mul', [q, shifted]))]));
    }
  }
  if (wants('wins')) {
    // ArgMax takes the lowest index of a tie, which a comparison with the maximum would not.
    const winner = graph.node('ArgMax', [logits], { axis: { int: 1 }, keepdims: { int: 0 } });
    const levels = graph.constant('float32', [2], Float32Array.of(0, 1));
    keepColumns('wins', graph.node('OneHot', [winner, terms.count, levels], { axis: { int: 1 } }), weights!);
  }
  return { rows, sums };
}

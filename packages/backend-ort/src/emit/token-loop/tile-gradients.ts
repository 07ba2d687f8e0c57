import type { OnnxGraph, OnnxName } from '../../onnx/graph.ts';
import type { TileSum } from './tile-quantities.ts';
import type { PrototypeTerms } from './tile.ts';

/** `c_q` and `c_ols`, scalars: cotangents of L_q and L_OLS where V is replaced by their difference; undefined for 0. */
export interface LossScales {
  readonly lq: OnnxName | undefined;
  readonly lols: OnnxName | undefined;
}

export function lossScales(
  graph: OnnxGraph,
  { onLq, onLols, onV }: Readonly<Partial<Record<'onLq' | 'onLols' | 'onV', OnnxName>>>,
): LossScales {
  if (onV === undefined) return { lq: onLq, lols: onLols };
  return {
    lq: onLq === undefined ? onV : graph.node('Add', [onLq, onV]),
    lols: onLols === undefined ? graph.node('Neg', [onV]) : graph.node('Sub', [onLols, onV]),
  };
}

/** What a tile has computed already. */
export interface TilePass {
  readonly graph: OnnxGraph;
  readonly tokens: OnnxName;
  readonly terms: PrototypeTerms;
  readonly q: OnnxName;
  readonly logits: OnnxName;
  /** `s = sum_k q_k x_k`, [b, 1]. */
  readonly meanLogit: OnnxName;
  readonly before: ReadonlyMap<TileSum, OnnxName> | undefined;
  /** Where sums go. */
  readonly sums: Map<TileSum, OnnxName>;
}

export interface PullBack {
  /** `u_n = c_q a_n`, [b, 1]: the cotangent of the token's error; undefined for 0. */
  readonly direct: OnnxName | undefined;
  /** F, [b, m]: the cotangent of the outputs; undefined for 0. One of the two is there, unless all is 0. */
  readonly onOutputs: OnnxName | undefined;
  /** Whether F is that of `a |z - y|^2`, which holds the token itself too. */
  readonly isResidual: boolean;
  /** Whether the gradient by tokens is wanted; it is returned. */
  readonly tokens: boolean;
  /** Where the gradient by prototypes goes: `2 totals p - pull`. */
  readonly pull: readonly [pull: TileSum, totals: TileSum] | undefined;
  readonly temperature: TileSum | undefined;
}

/**
 * Writes a vector-Jacobian product (docs/math.md section 3) in logits, of which distances are `|z|^2 - T x`. With `f_k = F.p_k` the
 * derivative by d_k is `D = u q (1 + x - s) - q (f - sum_k q f) / T`, whose rows sum to u. Then `dz = 2 (u z - D P)`,
 * `dp = 2 (sum_n D p - D^T Z) + q^T F`, `dT = sum D (x - s)`.
 */
export function emitPullBack(
  { graph, tokens, terms, q, logits, meanLogit, before, sums }: TilePass,
  { direct, onOutputs, isResidual, ...wanted }: PullBack,
): OnnxName | undefined {
  const { prototypes, temperature } = terms;
  const centred = graph.node('Sub', [logits, meanLogit]);
  const times = (x: OnnxName, y: OnnxName): OnnxName => graph.node('Mul', [x, y]);
  const factors: OnnxName[] = [];
  if (direct !== undefined) factors.push(times(graph.node('Add', [centred, graph.float(1)]), direct));
  if (onOutputs !== undefined) {
    const along = graph.node('Gemm', [onOutputs, prototypes], { transB: { int: 1 } });
    const mean = graph.reduce('ReduceSum', times(q, along), [1], true);
    factors.push(graph.node('Div', [graph.node('Sub', [mean, along]), temperature]));
  }
  const factor =
    factors.length === 0 ? times(centred, graph.float(0)) : factors.reduce((a, b) => graph.node('Add', [a, b]));
  const coefficients = times(q, factor);

  const keep = (name: TileSum, value: OnnxName): void => {
    const sum = before?.get(name);
    sums.set(name, sum === undefined ? value : graph.node('Add', [sum, value]));
  };
  if (wanted.temperature !== undefined) {
    keep(wanted.temperature, graph.node('ReduceSum', [times(coefficients, centred)], { keepdims: { int: 0 } }));
  }
  if (wanted.pull !== undefined) {
    const [pull, totals] = wanted.pull;
    const sum = before?.get(pull);
    const product = (left: OnnxName, right: OnnxName, alpha: number, plus: OnnxName | undefined): OnnxName =>
      graph.node('Gemm', [left, right, ...(plus === undefined ? [] : [plus])], {
        transA: { int: 1 },
        alpha: { float: alpha },
      });
    const mixed = onOutputs === undefined ? sum : product(q, onOutputs, -1, sum);
    sums.set(pull, product(coefficients, tokens, 2, mixed));
    keep(totals, graph.reduce('ReduceSum', coefficients, [0], false));
  }
  if (!wanted.tokens) return undefined;
  const mixture = graph.node('Gemm', [coefficients, prototypes], { alpha: { float: -2 } });
  const own = direct && times(tokens, times(direct, graph.float(2)));
  const flowing = own === undefined ? mixture : graph.node('Add', [mixture, own]);
  return isResidual && onOutputs !== undefined ? graph.node('Sub', [flowing, onOutputs]) : flowing;
}

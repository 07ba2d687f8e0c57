import { Arithmetic } from '../compile/arithmetic.ts';
import { reduce, type TileOf } from '../compile/kernel-ops.ts';
import { matmulKernel, withSharedSizes, type ProductCall, type ProductOperand } from '../kernels/product/matmul.ts';
import { chooseTile, sharedBytesOf, tiles, type Tile } from '../kernels/product/tiles.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import { literal, type Size } from '../wgsl/size.ts';
import { costOf, readsOf, type Stored, type Value } from '../wgsl/value.ts';
import { finishKernel, finishRows, logitsKernel, type ErrorSums } from './logits.ts';

/** What some tokens are assigned by. */
export interface ChunkOperands {
  /** [n, m]. */
  readonly tokens: Value;
  /** [K, m]. */
  readonly prototypes: Value;
  /** []. */
  readonly temperature: Stored;
}

/** Numbers of each token: `(M, 1 / S, E / S, winner)`, [n, 4], and `|z_n|^2`, [n]. */
export interface TokenNumbers {
  readonly rows: Stored;
  readonly squares: Stored;
}

/** What a chunk is asked to do beside its numbers. */
export interface ChunkOptions {
  /** Whether logits are kept; without them there is nothing of N x K. */
  readonly keepsLogits: boolean;
  /** `sum a l` of each workgroup on the way. */
  readonly errors?: ErrorSums | undefined;
}

/** Sums over tokens in ranges, `[splits, K, m]` with its totals `[splits, K]`; chunks add theirs one after the other. */
export interface PullSums {
  readonly partial: Stored;
  readonly totals: Stored;
}

/**
 * Some tokens, from their logits and four numbers for each of them, of which assignments, weights of the gradient, and losses are formulas
 * that other kernels write where they need them.
 */
export class TokenChunk {
  readonly n: Size;
  readonly m: Size;
  readonly k: Size;
  readonly tokens: Value;
  readonly prototypes: Value;
  readonly temperature: Stored;
  readonly arithmetic: Arithmetic;
  readonly #plan: PlanBuilder;
  readonly #numbers: TokenNumbers;
  readonly #logits: Stored | undefined;
  #shares: Value | undefined;

  /** @param operands that kernels may read as they are; see {@link operandOf} */
  constructor(plan: PlanBuilder, operands: ChunkOperands, numbers: TokenNumbers, options: ChunkOptions) {
    this.#plan = plan;
    this.arithmetic = new Arithmetic(plan);
    ({ tokens: this.tokens, prototypes: this.prototypes, temperature: this.temperature } = operands);
    [this.n, this.m] = this.tokens.shape as [Size, Size];
    this.k = this.prototypes.shape[0]!;
    this.#numbers = numbers;
    this.#logits = options.keepsLogits ? plan.make('f32', [this.n, this.k]) : undefined;
    this.#run(options.errors);
  }

  /** `x_nk`, [n, K]. */
  get logits(): Stored {
    return this.#logits!;
  }

  /** `x_nk - M_n`, [n, K]. */
  get #belowMost(): Value {
    return this.arithmetic.sub(this.#logits!, this.column(0));
  }

  /** `x_nk - sum_k q x`, [n, K]: `-(d_nk - l_n) / T`. */
  get centred(): Value {
    return this.arithmetic.sub(this.#belowMost, this.column(2));
  }

  /** `q_nk`, [n, K]. */
  get shares(): Value {
    const { arithmetic } = this;
    return (this.#shares ??= arithmetic.mul(arithmetic.of('exp', this.#belowMost), this.column(1)));
  }

  /** `w_nk = q_nk (1 - (d_nk - l_n) / T)`, [n, K]. docs/math.md section 3. */
  get slopes(): Value {
    const { arithmetic } = this;
    return arithmetic.mul(this.shares, arithmetic.add(arithmetic.number(1), this.centred));
  }

  /** Number `index` of each token, [n, 1]. */
  column(index: number): Value {
    return this.arithmetic.column(this.#numbers.rows, index);
  }

  /** Numbers of tokens as a column. */
  asColumn(perToken: Value): Value {
    return this.arithmetic.reshape(perToken, [this.n, literal(1)]);
  }

  /** `sum_k x_nk`, [n]. */
  rowSums(x: Value, target?: Stored): Stored {
    return reduce(this.#plan, { op: 'sum', input: x, axes: [1] }, [this.n], target);
  }

  /** `A B` or `A B^T` over K or m; nothing is cut into ranges. */
  product(a: Value, b: Value, transposeB: boolean, target?: Stored): Stored {
    const [columns, inner] = transposeB ? [b.shape[0]!, b.shape[1]!] : [b.shape[1]!, b.shape[0]!];
    const call = this.#call({ value: a, transposed: false }, { value: b, transposed: transposeB }, columns, inner);
    const { tile } = tileFor(this.#plan, this.n, columns, inner);
    const into = target ?? this.#plan.make('f32', [this.n, columns]);
    this.#plan.dispatch(matmulKernel(this.#plan.symbols, call, { tile, splits: 1 }, into));
    return into;
  }

  /** Buffers for {@link pull} over chunks of this size. */
  pullSums(): PullSums {
    const { splits } = tileFor(this.#plan, this.k, this.m, this.n);
    const shape = [literal(splits), this.k];
    return { partial: this.#plan.make('f32', [...shape, this.m]), totals: this.#plan.make('f32', shape) };
  }

  /** Adds `sum_n c_nk x_n` and `sum_n c_nk` to sums, or begins them. */
  pull(coefficients: Value, x: Value, sums: PullSums, adds: boolean, addedUp?: ProductCall['addedUp']): void {
    const { tile } = tileFor(this.#plan, this.k, this.m, this.n);
    const splits = sums.partial.shape[0]!.value;
    const call = withSharedSizes({
      a: { value: coefficients, transposed: true },
      b: { value: x, transposed: false },
      batch: [],
      rows: this.k,
      columns: this.m,
      inner: this.n,
      rowTotals: sums.totals,
      adds,
      addedUp,
    });
    this.#plan.dispatch(matmulKernel(this.#plan.symbols, call, { tile, splits }, sums.partial));
  }

  #call(a: ProductOperand, b: ProductOperand, columns: Size, inner: Size): ProductCall {
    return withSharedSizes({ a, b, batch: [], rows: this.n, columns, inner });
  }

  #run(errors: ErrorSums | undefined): void {
    const plan = this.#plan;
    const { tokens, prototypes, temperature, n, m, k } = this;
    const tile = logitTile(plan, n, m, k);
    const count = Math.ceil(k.value / tile.columns);
    const isSingle = count === 1;
    const { rows, squares } = this.#numbers;
    const statistics = isSingle ? rows : plan.make('f32', [n, literal(count), literal(4)]);
    const call = { tokens, prototypes, temperature, n, m, k };
    const target = { logits: this.#logits, statistics, squares };
    plan.dispatch(logitsKernel(plan.symbols, call, tile, target, isSingle ? errors : undefined));
    if (isSingle) return;
    plan.dispatch(finishKernel(plan.symbols, n, count, { statistics, squares, temperature, rows }, errors));
  }
}

/** Workgroups that tell of errors of so many tokens. */
export function errorGroups(plan: PlanBuilder, n: Size, m: Size, k: Size): number {
  const tile = logitTile(plan, n, m, k);
  return Math.ceil(n.value / (k.value <= tile.columns ? tile.rows : finishRows));
}

/** Up to 128 prototypes go in one tile, which then knows all about its tokens. */
function logitTile(plan: PlanBuilder, n: Size, m: Size, k: Size): Tile {
  const { tile } = tileFor(plan, n, k, m);
  if (k.value <= tile.columns || k.value > tiles.broad.columns) return tile;
  const larger = k.value <= tiles.base.columns ? tiles.base : tiles.broad;
  return sharedBytesOf(larger) <= plan.limits.sharedBytes ? larger : tile;
}

export function tileFor(plan: PlanBuilder, rows: Size, columns: Size, inner: Size): ReturnType<TileOf> {
  const { sharedBytes } = plan.limits;
  const choice = chooseTile({ batches: 1, rows: rows.value, columns: columns.value, inner: inner.value }, sharedBytes);
  return sharedBytesOf(choice.tile) <= sharedBytes ? choice : { ...choice, tile: tiles.small };
}

/** Loaders read each token once for each tile of prototypes: only what is nearly free is computed there. */
export function operandOf(plan: PlanBuilder, value: Value): Value {
  return costOf(value) <= 2 && readsOf(value).size <= 2 ? value : plan.store(value);
}

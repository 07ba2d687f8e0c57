import { Arithmetic } from '../compile/arithmetic.ts';
import { reduce, type TileOf } from '../compile/kernel-ops.ts';
import { matmulKernel, withSharedSizes, type ProductCall } from '../kernels/product/matmul.ts';
import { chooseTile, sharedBytesOf, tiles } from '../kernels/product/tiles.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import { literal, type Size } from '../wgsl/size.ts';
import { costOf, readsOf, type Stored, type Value } from '../wgsl/value.ts';
import { finishKernel, finishRows, logitsKernel, type ErrorSums } from './logits.ts';

/**
 * One pass of tokens over prototypes at a temperature: logits and four numbers for each token, from which assignments, weights of the gradient,
 * and losses are formulas that other kernels write where they need them. Composites of the same operands share it, and nothing of it is made
 * before somebody asks.
 */
export class TokenPass {
  readonly n: Size;
  readonly m: Size;
  readonly k: Size;
  readonly tokens: Value;
  readonly prototypes: Value;
  readonly temperature: Stored;
  readonly #plan: PlanBuilder;
  readonly #arithmetic: Arithmetic;
  readonly #made = new Map<string, Value>();

  constructor(plan: PlanBuilder, tokens: Value, prototypes: Value, temperature: Value) {
    this.#plan = plan;
    this.#arithmetic = new Arithmetic(plan);
    this.tokens = operandOf(plan, tokens);
    this.prototypes = operandOf(plan, prototypes);
    this.temperature = plan.store(temperature);
    [this.n, this.m] = tokens.shape as [Size, Size];
    this.k = prototypes.shape[0]!;
  }

  /** `q_nk`, [n, K]. */
  get shares(): Value {
    const { sub, mul } = this.#ops();
    return this.#once('shares', () =>
      mul(this.#arithmetic.of('exp', sub(this.#logits, this.#column(0))), this.#column(1)),
    );
  }

  /** `w_nk = q_nk (1 - (d_nk - l_n) / T)`, [n, K]; `-d/T = x - |z|^2 / T`. docs/math.md section 3. */
  get slopes(): Value {
    const { sub, mul, add, number } = this.#ops();
    return this.#once('slopes', () => {
      const centred = sub(sub(this.#logits, this.#column(0)), this.#column(2));
      return mul(this.shares, add(number(1), centred));
    });
  }

  /** `l_n = sum_k q_nk d_nk`, [n]. */
  get errors(): Value {
    const { sub, mul, add, number } = this.#ops();
    return this.#once('errors', () => {
      const heat = mul(this.temperature, add(this.#perToken(0), this.#perToken(2)));
      return this.#arithmetic.of('maximum', sub(this.#squares, heat), number(0));
    });
  }

  /** `min_k d_nk`, [n]. */
  get hardErrors(): Value {
    const { sub, mul, number } = this.#ops();
    return this.#once('hard', () =>
      this.#arithmetic.of('maximum', sub(this.#squares, mul(this.temperature, this.#perToken(0))), number(0)),
    );
  }

  /** `-sum_k q_nk log q_nk = ln S - E / S`, [n]. */
  get entropies(): Value {
    const { sub } = this.#ops();
    return this.#once('entropies', () =>
      sub(this.#arithmetic.of('neg', this.#arithmetic.of('log', this.#perToken(1))), this.#perToken(2)),
    );
  }

  /** `argmax_k q_nk`, int32 [n]. */
  get winners(): Value {
    return this.#once('winners', () => this.#arithmetic.toInt32(this.#perToken(3)));
  }

  /** `y_n = sum_k q_nk p_k`, [n, m]. */
  get outputs(): Stored {
    return this.#once('outputs', () => {
      const call = withSharedSizes({
        a: { value: this.shares, transposed: false },
        b: { value: this.prototypes, transposed: false },
        batch: [],
        rows: this.n,
        columns: this.m,
        inner: this.k,
      });
      const { tile } = this.#tileFor(this.n, this.m, this.k);
      const target = this.#plan.make('f32', [this.n, this.m]);
      this.#plan.dispatch(matmulKernel(this.#plan.symbols, call, { tile, splits: 1 }, target));
      return target;
    }) as Stored;
  }

  /** `|p_k|^2` as a row, [1, K]. */
  get lengths(): Value {
    return this.#once('lengths', () => {
      const input = this.#arithmetic.square(this.prototypes);
      const sums = reduce(this.#plan, { op: 'sum', input, axes: [1] }, [this.k]);
      return this.#arithmetic.reshape(sums, [literal(1), this.k]);
    });
  }

  /** `L_q = sum_n a_n l_n` and its gradient; the sums go along with dispatches that are there anyway, where the device has bindings for it. */
  errorAndGradient(weights: Value): readonly [Value, PullOfTokens] {
    const reads = [this.tokens, this.prototypes].map((operand) => readsOf(operand).size);
    if (this.#made.has('logits') || reads.some((count) => count > 1)) {
      return [this.total(weights, this.errors), this.gradient(weights)];
    }
    const { sums } = this.#run(this.#plan.store(weights))!;
    const error = this.#plan.make('f32', []);
    return [error, this.gradient(weights, { from: sums, to: error })];
  }

  /** Sums over ranges of tokens, which whoever reads them adds up in order. */
  gradient(weights: Value, addedUp?: ProductCall['addedUp']): PullOfTokens {
    const { sub, mul, number } = this.#ops();
    const plan = this.#plan;
    const { tile, splits } = this.#tileFor(this.k, this.m, this.n);
    const coefficients = mul(this.slopes, this.#arithmetic.reshape(weights, [this.n, literal(1)]));
    const partial = plan.make('f32', [literal(splits), this.k, this.m]);
    const totals = plan.make('f32', [literal(splits), this.k]);
    const call = withSharedSizes({
      a: { value: coefficients, transposed: true },
      b: { value: this.tokens, transposed: false },
      batch: [],
      rows: this.k,
      columns: this.m,
      inner: this.n,
      rowTotals: totals,
      ...(addedUp !== undefined && { addedUp }),
    });
    plan.dispatch(matmulKernel(plan.symbols, call, { tile, splits }, partial));
    const mass = this.#arithmetic.parts(this.#arithmetic.reshape(totals, [literal(splits), this.k, literal(1)]), [
      this.k,
      literal(1),
    ]);
    const pull = this.#arithmetic.parts(partial, [this.k, this.m]);
    return {
      gradient: mul(number(2), sub(mul(mass, this.prototypes), pull)),
      mass: this.#arithmetic.parts(totals, [this.k]),
    };
  }

  /** `sum_n a_n x_n` of numbers for each token, a scalar. */
  total(weights: Value, perToken: Value): Value {
    const { mul } = this.#ops();
    return reduce(
      this.#plan,
      { op: 'sum', input: mul(weights, perToken), axes: perToken.shape.map((_, axis) => axis) },
      [],
    );
  }

  get #logits(): Value {
    this.#run();
    return this.#made.get('logits')!;
  }

  get #squares(): Value {
    this.#run();
    return this.#made.get('squares')!;
  }

  /** Number `index` of each token, [n, 1]. */
  #column(index: number): Value {
    this.#run();
    return this.#once(`column ${index}`, () => this.#arithmetic.column(this.#made.get('rows')!, index));
  }

  /** Number `index` of each token, [n]. */
  #perToken(index: number): Value {
    return this.#once(`number ${index}`, () => this.#arithmetic.reshape(this.#column(index), [this.n]));
  }

  /** @param weights if given, `sum a l` of each workgroup is made as well */
  #run(weights?: Stored): ErrorSums | undefined {
    if (this.#made.has('logits')) return undefined;
    const plan = this.#plan;
    const { tokens, prototypes, temperature, n, m, k } = this;
    const { tile } = this.#tileFor(n, k, m);
    const count = Math.ceil(k.value / tile.columns);
    const isSingle = count === 1;
    const logits = plan.make('f32', [n, k]);
    const squares = plan.make('f32', [n]);
    const rows = plan.make('f32', [n, literal(4)]);
    const statistics = isSingle ? rows : plan.make('f32', [n, literal(count), literal(4)]);
    const groups = Math.ceil(n.value / (isSingle ? tile.rows : finishRows));
    const errors = weights && { weights, sums: plan.make('f32', [literal(groups)]) };
    const call = { tokens, prototypes, temperature, n, m, k };
    const target = { logits, statistics, squares };
    plan.dispatch(logitsKernel(plan.symbols, call, tile, target, isSingle ? errors : undefined));
    if (!isSingle) {
      plan.dispatch(finishKernel(plan.symbols, n, count, { statistics, squares, temperature, rows }, errors));
    }
    this.#made.set('logits', logits).set('squares', squares).set('rows', rows);
    return errors;
  }

  #tileFor(rows: Size, columns: Size, inner: Size): ReturnType<TileOf> {
    const { sharedBytes } = this.#plan.limits;
    const choice = chooseTile(
      { batches: 1, rows: rows.value, columns: columns.value, inner: inner.value },
      sharedBytes,
    );
    return sharedBytesOf(choice.tile) <= sharedBytes ? choice : { ...choice, tile: tiles.small };
  }

  #ops() {
    const a = this.#arithmetic;
    return {
      add: (x: Value, y: Value): Value => a.of('add', x, y),
      sub: (x: Value, y: Value): Value => a.sub(x, y),
      mul: (x: Value, y: Value): Value => a.mul(x, y),
      number: (value: number): Value => a.number(value),
    };
  }

  #once(name: string, make: () => Value): Value {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const value = make();
    this.#made.set(name, value);
    return value;
  }
}

/** What pulls at the prototypes: `dL_q/dP` and its mass. */
export interface PullOfTokens {
  /** `2 ((sum_n a_n w_nk) p_k - sum_n a_n w_nk z_n)`, [K, m]. */
  readonly gradient: Value;
  /** `sum_n a_n w_nk`, [K]. */
  readonly mass: Value;
}

/** Loaders read each token once for each tile of prototypes: only what is nearly free is computed there. */
function operandOf(plan: PlanBuilder, value: Value): Value {
  return costOf(value) <= 2 && readsOf(value).size <= 2 ? value : plan.store(value);
}

const passes = new WeakMap<PlanBuilder, { readonly operands: readonly Value[]; readonly pass: TokenPass }[]>();

/** The pass of these operands in a plan; one for all composites that have them. */
export function tokenPass(plan: PlanBuilder, tokens: Value, prototypes: Value, temperature: Value): TokenPass {
  const operands = [tokens, prototypes, temperature];
  const known = passes.get(plan) ?? [];
  passes.set(plan, known);
  const found = known.find((each) => each.operands.every((operand, index) => operand === operands[index]));
  if (found !== undefined) return found.pass;
  const pass = new TokenPass(plan, tokens, prototypes, temperature);
  known.push({ operands, pass });
  return pass;
}

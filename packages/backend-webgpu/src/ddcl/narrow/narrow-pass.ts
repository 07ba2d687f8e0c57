import type { TokenPassOperands, TokenQuantity } from '@ddcl/core/backend';
import { Arithmetic } from '../../compile/arithmetic.ts';
import type { PlanBuilder } from '../../plan/plan-builder.ts';
import { literal, type Size } from '../../wgsl/size.ts';
import { readsOf, type Stored, type Value } from '../../wgsl/value.ts';
import { operandOf } from '../token-chunk.ts';
import { TokenFormulas } from '../token-formulas.ts';
import { rowPullKernel, rowPullSplits, type RowPullCall } from './row-pull.ts';
import { rowsKernel, rowThreads } from './rows.ts';

const quantities: readonly TokenQuantity[] = [
  'outputs',
  'nearest',
  'nearestDistance',
  'lq',
  'lols',
  'v',
  'gradient',
  'gradientMass',
  'hard',
  'entropy',
  'mass',
  'wins',
];

/** Whether a pass over such tokens can do without anything of N x K. */
export function isNarrow({ limits }: PlanBuilder, tokens: Value, wanted: readonly TokenQuantity[]): boolean {
  return tokens.shape[1]!.value <= limits.narrowWidth && wanted.every((quantity) => quantities.includes(quantity));
}

/** A pass over tokens that fit registers: one dispatch for all that is asked of each token, one for each kind of sum per prototype. */
export class NarrowPass {
  readonly #plan: PlanBuilder;
  readonly #formulas: TokenFormulas;
  readonly #call: Omit<RowPullCall, 'coefficient' | 'target' | 'weights'>;
  readonly #weights: Stored | undefined;
  readonly #outputs: Stored | undefined;
  readonly #more: Stored | undefined;
  /** The numbers of `more`, each [n]. */
  readonly #numbers: readonly Value[] | undefined;
  readonly #error: { readonly sums: Stored; readonly total: Stored } | undefined;
  #pulled: Stored | undefined;

  constructor(plan: PlanBuilder, operands: TokenPassOperands<Value>, wanted: ReadonlySet<TokenQuantity>) {
    this.#plan = plan;
    const tokens = operandOf(plan, operands.tokens);
    const prototypes = operandOf(plan, operands.prototypes);
    const temperature = plan.store(operands.temperature);
    this.#weights = operands.weights && plan.store(operands.weights);
    const [n, m] = tokens.shape as [Size, Size];
    const wants = (...some: TokenQuantity[]): boolean => some.some((quantity) => wanted.has(quantity));
    const pulls = wants('gradient', 'gradientMass');
    // With the sums of errors the dispatch of the gradient reads and writes eight buffers or more.
    const most = 6 + readsOf(tokens).size + readsOf(prototypes).size;
    const sumsErrors = wants('lq') && pulls && most <= plan.limits.storageBuffers;
    const needsMore = wants('nearestDistance', 'lols', 'v', 'hard') || (wants('lq') && !sumsErrors);
    this.#error = sumsErrors
      ? { sums: plan.make('f32', [literal(Math.ceil(n.value / rowThreads))]), total: plan.make('f32', []) }
      : undefined;
    const rows = plan.make('f32', [n, literal(4)]);
    this.#more = needsMore ? plan.make('f32', [n, literal(4)]) : undefined;
    this.#outputs = wants('outputs') ? plan.make('f32', [n, m]) : undefined;
    this.#call = { tokens, prototypes, temperature, rows };
    const a = new Arithmetic(plan);
    this.#numbers = this.#more && [0, 1, 2].map((index) => a.reshape(a.column(this.#more!, index), [n]));
    this.#formulas = new TokenFormulas(plan, this.#weights, temperature, { rows, squares: this.#numbers?.[0] });
    plan.dispatch(
      rowsKernel(plan.symbols, this.#call, {
        rows,
        more: this.#more,
        outputs: this.#outputs,
        errors: this.#error && { weights: this.#weights!, sums: this.#error.sums, adds: false },
      }),
    );
    if (pulls) this.#pulled = this.#pull('slope');
  }

  result(quantity: TokenQuantity): Value {
    const formulas = this.#formulas;
    const { arithmetic: a } = formulas;
    const { prototypes } = this.#call;
    const [k, m] = prototypes.shape as [Size, Size];
    switch (quantity) {
      case 'outputs':
        return this.#outputs!;
      case 'lq':
        return this.#error?.total ?? formulas.total(formulas.errors);
      case 'lols':
        return formulas.total(this.#numbers![1]!);
      case 'v':
        return formulas.total(this.#numbers![2]!);
      case 'gradient': {
        const sums = a.parts(this.#pulled!, [k, literal(m.value + 1)]);
        const pull = a.columnsOf(sums, 0, m);
        return a.mul(a.number(2), a.sub(a.mul(a.column(sums, m.value), prototypes), pull));
      }
      case 'gradientMass':
        return a.reshape(a.column(a.parts(this.#pulled!, [k, literal(m.value + 1)]), m.value), [k]);
      case 'mass':
        return a.parts(this.#pull('share'), [k]);
      default:
        return formulas.result(quantity, k);
    }
  }

  #pull(coefficient: RowPullCall['coefficient']): Stored {
    const plan = this.#plan;
    const { tokens, prototypes } = this.#call;
    const [n, m] = tokens.shape as [Size, Size];
    const k = prototypes.shape[0]!;
    const splits = literal(rowPullSplits(n, m, k));
    const isPull = coefficient === 'slope';
    const target = plan.make('f32', isPull ? [splits, k, literal(m.value + 1)] : [splits, k]);
    const addedUp = isPull && this.#error ? { from: this.#error.sums, to: this.#error.total } : undefined;
    const call = { ...this.#call, weights: this.#weights!, coefficient, target, ...(addedUp && { addedUp }) };
    plan.dispatch(rowPullKernel(plan.symbols, call));
    return target;
  }
}

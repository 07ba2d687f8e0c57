import type { TokenPassOperands, TokenQuantity } from '@ddcl/core/backend';
import { Arithmetic } from '../../compile/arithmetic.ts';
import type { PlanBuilder } from '../../plan/plan-builder.ts';
import { literal, type Size } from '../../wgsl/size.ts';
import { readsOf, type Stored, type Value } from '../../wgsl/value.ts';
import { operandOf } from '../token-chunk.ts';
import { TokenFormulas } from '../token-formulas.ts';
import { LossCotangents } from '../loss-cotangents.ts';
import { lossGradients, outputGradients, pull, type Gradients } from './narrow-gradients.ts';
import { rowsKernel, rowThreads, type RowCall } from './rows.ts';

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
  'lossByTokens',
  'lossByWeights',
  'lossByPrototypes',
  'lossByTemperature',
  'outputsByTokens',
  'outputsByPrototypes',
  'outputsByTemperature',
];

/** What kernels of a narrow pass read: tokens, prototypes and temperature with `(M, 1 / S, E / S, winner)`, [n, 4]. */
export type NarrowOperands = RowCall & { readonly rows: Stored };

/** Whether a pass over such tokens can do without anything of N x K. */
export function isNarrow({ limits }: PlanBuilder, tokens: Value, wanted: readonly TokenQuantity[]): boolean {
  return tokens.shape[1]!.value <= limits.narrowWidth && wanted.every((quantity) => quantities.includes(quantity));
}

/** A pass over tokens that fit registers: one dispatch for all that is asked of each token, one for each kind of sum per prototype. */
export class NarrowPass {
  readonly #plan: PlanBuilder;
  readonly #formulas: TokenFormulas;
  readonly #call: NarrowOperands;
  readonly #cotangents: LossCotangents;
  readonly #weights: Stored | undefined;
  readonly #outputs: Stored | undefined;
  readonly #more: Stored | undefined;
  /** The numbers of `more`, each [n]. */
  readonly #numbers: readonly Value[] | undefined;
  readonly #error: { readonly sums: Stored; readonly total: Stored } | undefined;
  #pulled: Stored | undefined;
  #byLoss: Gradients | undefined;
  #byOutputs: Gradients | undefined;

  constructor(plan: PlanBuilder, operands: TokenPassOperands<Value>, wanted: ReadonlySet<TokenQuantity>) {
    this.#plan = plan;
    const wants = (...some: TokenQuantity[]): boolean => some.some((quantity) => wanted.has(quantity));
    const derives = wants('lossByTokens', 'lossByPrototypes', 'lossByTemperature');
    const derivesOutputs = wants('outputsByTokens', 'outputsByPrototypes', 'outputsByTemperature');
    // Kernels of gradients have eight buffers without the second one of a formula.
    const operand = (value: Value): Value => (derives || derivesOutputs ? plan.store(value) : operandOf(plan, value));
    const tokens = operand(operands.tokens);
    const prototypes = operand(operands.prototypes);
    const temperature = plan.store(operands.temperature);
    this.#weights = operands.weights && plan.store(operands.weights);
    const [n, m] = tokens.shape as [Size, Size];
    this.#cotangents = new LossCotangents(
      plan,
      { ...operands, ...(this.#weights && { weights: this.#weights }) },
      temperature,
    );
    const { hasResidual } = this.#cotangents;
    const pulls = wants('gradient', 'gradientMass');
    // With the sums of errors the dispatch of the gradient reads and writes eight buffers or more.
    const most = 6 + readsOf(tokens).size + readsOf(prototypes).size;
    const sumsErrors = wants('lq') && pulls && most <= plan.limits.storageBuffers;
    const needsMore = wants('nearestDistance', 'lols', 'v', 'hard', 'lossByWeights') || (wants('lq') && !sumsErrors);
    this.#error = sumsErrors
      ? { sums: plan.make('f32', [literal(Math.ceil(n.value / rowThreads))]), total: plan.make('f32', []) }
      : undefined;
    const rows = plan.make('f32', [n, literal(4)]);
    this.#more = needsMore ? plan.make('f32', [n, literal(4)]) : undefined;
    this.#outputs = wants('outputs') || (derives && hasResidual) ? plan.make('f32', [n, m]) : undefined;
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
    const addedUp = this.#error && { from: this.#error.sums, to: this.#error.total };
    if (pulls) {
      const weighted = { weights: this.#weights, pulled: tokens, ...(addedUp && { addedUp }) };
      this.#pulled = pull(plan, this.#call, { coefficient: 'slope', ...weighted });
    }
    if (derives) this.#byLoss = lossGradients(plan, this.#call, this.#cotangents, this.#outputs, wanted);
    if (derivesOutputs) this.#byOutputs = outputGradients(plan, this.#call, operands.onOutputs!, wanted);
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
        const pulled = a.columnsOf(sums, 0, m);
        return a.mul(a.number(2), a.sub(a.mul(a.column(sums, m.value), prototypes), pulled));
      }
      case 'gradientMass':
        return a.reshape(a.column(a.parts(this.#pulled!, [k, literal(m.value + 1)]), m.value), [k]);
      case 'mass':
        return a.parts(
          pull(this.#plan, this.#call, { coefficient: 'share', weights: this.#weights, pulled: undefined }),
          [k],
        );
      case 'lossByTokens':
        return this.#byLoss!.tokens!;
      case 'lossByPrototypes':
        return this.#byLoss!.prototypes!;
      case 'lossByTemperature':
        return this.#byLoss!.temperature!;
      case 'lossByWeights':
        return this.#cotangents.byWeights(formulas.errors, this.#numbers![1]);
      case 'outputsByTokens':
        return this.#byOutputs!.tokens!;
      case 'outputsByPrototypes':
        return this.#byOutputs!.prototypes!;
      case 'outputsByTemperature':
        return this.#byOutputs!.temperature!;
      default:
        return formulas.result(quantity, k);
    }
  }
}

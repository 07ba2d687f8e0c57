import type { TokenPassOperands, TokenQuantity } from '@ddcl/core/backend';
import { reduce } from '../compile/kernel-ops.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import { literal, type Size } from '../wgsl/size.ts';
import { readsOf, type Stored, type Value } from '../wgsl/value.ts';
import { chunksOf, rowsOf, type Chunk } from './chunks.ts';
import { LossCotangents } from './loss-cotangents.ts';
import { pullBack } from './pull-back.ts';
import { errorGroups, operandOf, TokenChunk, type PullSums, type TokenNumbers } from './token-chunk.ts';
import { TokenFormulas } from './token-formulas.ts';

/** Statistics of a token and tile of prototypes, for chunks without logits: the smallest tile that has several has 64 columns. */
const statisticsBytes = (k: Size): number => 16 * Math.ceil(k.value / 64);

const withoutLogits: readonly TokenQuantity[] = ['nearest', 'nearestDistance', 'lq', 'hard', 'entropy', 'wins'];

/**
 * A pass over tokens of any width, chunk by chunk, so that nothing of N x K is ever whole: logits, then whatever is asked of them. Numbers of
 * tokens are kept for all; sums over tokens add up from chunk to chunk.
 */
export class TiledPass {
  readonly #plan: PlanBuilder;
  readonly #operands: TokenPassOperands<Value>;
  readonly #wanted: ReadonlySet<TokenQuantity>;
  readonly #numbers: TokenNumbers;
  readonly #formulas: TokenFormulas;
  readonly #cotangents: LossCotangents;
  readonly #prototypes: Value;
  readonly #temperature: Stored;
  /** Rows of all tokens, sums, and buffers of them, by what they are. */
  readonly #made = new Map<string, Value>();
  readonly #sums = new Map<string, PullSums>();
  readonly #n: Size;
  readonly #m: Size;
  readonly #k: Size;
  #error: { readonly sums: Stored; readonly total: Stored } | undefined;

  constructor(plan: PlanBuilder, operands: TokenPassOperands<Value>, wanted: ReadonlySet<TokenQuantity>) {
    this.#plan = plan;
    this.#wanted = wanted;
    this.#prototypes = operandOf(plan, operands.prototypes);
    this.#temperature = plan.store(operands.temperature);
    [this.#n, this.#m] = operands.tokens.shape as [Size, Size];
    this.#k = operands.prototypes.shape[0]!;
    this.#operands = { ...operands, ...(operands.weights && { weights: plan.store(operands.weights) }) };
    this.#numbers = { rows: plan.make('f32', [this.#n, literal(4)]), squares: plan.make('f32', [this.#n]) };
    this.#formulas = new TokenFormulas(plan, this.#operands.weights, this.#temperature, this.#numbers);
    this.#cotangents = new LossCotangents(plan, this.#operands, this.#temperature);
    const keepsLogits = [...wanted].some((quantity) => !withoutLogits.includes(quantity));
    const chunks = chunksOf(plan, this.#n, keepsLogits ? 4 * this.#k.value : statisticsBytes(this.#k));
    chunks.forEach((chunk, index) => this.#run(chunk, keepsLogits, index > 0, index === chunks.length - 1));
  }

  result(quantity: TokenQuantity): Value {
    const formulas = this.#formulas;
    const { arithmetic: a } = formulas;
    switch (quantity) {
      case 'lq':
        return this.#error?.total ?? formulas.total(formulas.errors);
      case 'lols':
        return formulas.total(this.#made.get('residuals')!);
      case 'v':
        return formulas.total(this.#made.get('spreads')!);
      case 'gradient':
        return this.#pulled('gradient');
      case 'gradientMass':
        return a.parts(this.#sums.get('gradient')!.totals, [this.#k]);
      case 'lossByPrototypes':
      case 'outputsByPrototypes':
        return this.#pulled(quantity);
      case 'lossByTemperature':
      case 'outputsByTemperature':
        return reduce(this.#plan, { op: 'sum', input: this.#made.get(quantity)!, axes: [0] }, []);
      case 'lossByWeights':
        return this.#cotangents.byWeights(formulas.errors, this.#made.get('residuals'));
      case 'assignments':
      case 'outputs':
      case 'mass':
      case 'lossByTokens':
      case 'outputsByTokens':
        return this.#made.get(quantity)!;
      default:
        return formulas.result(quantity, this.#k);
    }
  }

  #wants(...some: TokenQuantity[]): boolean {
    return some.some((quantity) => this.#wanted.has(quantity));
  }

  /** `2 (sum_n D_nk p_k - (D^T Z)_k) + (q^T F)_k`, [K, m]. */
  #pulled(name: string): Value {
    const { arithmetic: a } = this.#formulas;
    const [k, m] = [this.#k, this.#m];
    const { partial, totals } = this.#sums.get(name)!;
    const mass = a.parts(a.reshape(totals, [totals.shape[0]!, k, literal(1)]), [k, literal(1)]);
    const own = a.mul(a.number(2), a.sub(a.mul(mass, this.#prototypes), a.parts(partial, [k, m])));
    const mixed = this.#sums.get(`${name} mixed`);
    return mixed === undefined ? own : a.add(own, a.mul(this.#temperature, a.parts(mixed.partial, [k, m])));
  }

  /** Rows of a chunk of a buffer for all tokens, which is made when it is first asked for. */
  #rowsFor(name: string, chunk: Chunk, ...rest: Size[]): Stored {
    const whole = this.#made.get(name) ?? this.#plan.make('f32', [this.#n, ...rest]);
    this.#made.set(name, whole);
    return rowsOf(this.#plan, whole, chunk) as Stored;
  }

  /** Rows of a formula: as they are if there is one chunk, else in a buffer for all tokens. */
  #keepRows(name: string, chunk: Chunk, width: Size, value: Value): void {
    if (chunk.isAll) this.#made.set(name, value);
    else this.#plan.write(value, this.#rowsFor(name, chunk, width));
  }

  #sumsFor(name: string, chunk: TokenChunk): PullSums {
    const sums = this.#sums.get(name) ?? chunk.pullSums();
    this.#sums.set(name, sums);
    return sums;
  }

  #run(part: Chunk, keepsLogits: boolean, adds: boolean, isLast: boolean): void {
    const plan = this.#plan;
    const cut = (value: Value): Value => rowsOf(plan, value, part);
    const weights = this.#operands.weights && cut(this.#operands.weights);
    const { rows, squares } = this.#numbers;
    const tokens = operandOf(plan, cut(this.#operands.tokens));
    const operands = { tokens, prototypes: this.#prototypes, temperature: this.#temperature };
    const numbers = { rows: cut(rows) as Stored, squares: cut(squares) as Stored };
    if (!adds && this.#sumsErrors(tokens)) {
      const groups = errorGroups(plan, part.rows, this.#m, this.#k);
      this.#error = { sums: plan.make('f32', [literal(groups)]), total: plan.make('f32', []) };
    }
    const errors = this.#error && { weights: weights as Stored, sums: this.#error.sums, adds };
    const chunk = new TokenChunk(plan, operands, numbers, { keepsLogits, errors });
    const { arithmetic: a } = chunk;

    if (this.#wants('assignments')) this.#keepRows('assignments', part, this.#k, chunk.shares);
    if (this.#wants('mass')) {
      const input = a.mul(chunk.asColumn(weights!), chunk.shares);
      const target = (this.#made.get('mass') ?? plan.make('f32', [this.#k])) as Stored;
      this.#made.set('mass', target);
      reduce(plan, { op: 'sum', input, axes: [0] }, [this.#k], target, adds);
    }
    if (this.#wants('gradient', 'gradientMass')) {
      const coefficients = a.mul(chunk.slopes, chunk.asColumn(weights!));
      const addedUp = isLast && this.#error ? { from: this.#error.sums, to: this.#error.total } : undefined;
      chunk.pull(coefficients, chunk.tokens, this.#sumsFor('gradient', chunk), adds, addedUp);
    }
    const outputs = this.#outputs(part, chunk);
    if (this.#wants('lossByTokens', 'lossByWeights', 'lossByPrototypes', 'lossByTemperature')) {
      this.#pullBackLoss(part, chunk, adds, outputs);
    }
    if (this.#wants('outputsByTokens', 'outputsByPrototypes', 'outputsByTemperature')) {
      const flow = plan.store(a.of('div', cut(this.#operands.onOutputs!), this.#temperature));
      this.#pullBackTo('outputsBy', part, chunk, adds, undefined, flow, (value) => value);
    }
  }

  /** Whether errors of tokens are added up by dispatches that are there anyway: where the device has bindings for it. */
  #sumsErrors(tokens: Value): boolean {
    const reads = readsOf(tokens).size;
    const most = 6 + reads + Math.max(readsOf(this.#prototypes).size, 1);
    return this.#wants('lq') && this.#wants('gradient', 'gradientMass') && most <= this.#plan.limits.storageBuffers;
  }

  /** y of a chunk where something is made of it, and that. */
  #outputs(part: Chunk, chunk: TokenChunk): Stored | undefined {
    const plan = this.#plan;
    const { arithmetic: a } = chunk;
    const forLoss = this.#cotangents.hasResidual;
    if (!forLoss && !this.#wants('outputs', 'lols', 'v')) return undefined;
    const target = this.#wants('outputs') ? this.#rowsFor('outputs', part, this.#m) : undefined;
    const outputs = chunk.product(chunk.shares, chunk.prototypes, false, target);
    if (this.#wants('lols') || (forLoss && this.#wants('lossByWeights'))) {
      chunk.rowSums(a.square(a.sub(chunk.tokens, outputs)), this.#rowsFor('residuals', part));
    }
    if (this.#wants('v')) {
      // sum_k q |p|^2 - |y|^2, token by token, so that large lengths meet early.
      const lengths = this.#made.get('lengths') ?? this.#lengths();
      const [first, second] = [chunk.rowSums(a.mul(chunk.shares, lengths)), chunk.rowSums(a.square(outputs))];
      plan.write(a.of('maximum', a.sub(first, second), a.number(0)), this.#rowsFor('spreads', part));
    }
    return outputs;
  }

  /** `|p_k|^2` as a row, [1, K]. */
  #lengths(): Value {
    const { arithmetic: a } = this.#formulas;
    const input = a.square(this.#prototypes);
    const lengths = a.reshape(reduce(this.#plan, { op: 'sum', input, axes: [1] }, [this.#k]), [literal(1), this.#k]);
    this.#made.set('lengths', lengths);
    return lengths;
  }

  #pullBackLoss(part: Chunk, chunk: TokenChunk, adds: boolean, outputs: Stored | undefined): void {
    const plan = this.#plan;
    const { arithmetic: a } = chunk;
    const { direct, onResidual } = this.#cotangents;
    const own = direct && rowsOf(plan, direct, part);
    const scale = onResidual && chunk.asColumn(rowsOf(plan, onResidual, part));
    const flow = scale && plan.store(a.mul(scale, a.sub(chunk.tokens, outputs!)));
    // The residual holds the token itself too.
    const withOwn = (value: Value): Value =>
      flow === undefined ? value : a.sub(value, a.mul(flow, this.#temperature));
    this.#pullBackTo('lossBy', part, chunk, adds, own, flow, withOwn);
  }

  #pullBackTo(
    prefix: 'lossBy' | 'outputsBy',
    part: Chunk,
    chunk: TokenChunk,
    adds: boolean,
    direct: Value | undefined,
    flow: Stored | undefined,
    withOwn: (value: Value) => Value,
  ): void {
    const [tokens, prototypes, temperature] = [
      `${prefix}Tokens`,
      `${prefix}Prototypes`,
      `${prefix}Temperature`,
    ] as const;
    if (!this.#wants(tokens, prototypes, temperature)) return;
    pullBack(
      this.#plan,
      chunk,
      { direct, flow },
      {
        adds,
        tokens: this.#wants(tokens) ? (value) => this.#keepRows(tokens, part, this.#m, withOwn(value)) : undefined,
        prototypes: this.#wants(prototypes)
          ? {
              pull: this.#sumsFor(prototypes, chunk),
              mixed: flow && this.#sumsFor(`${prototypes} mixed`, chunk),
            }
          : undefined,
        temperature: this.#wants(temperature) ? this.#rowsFor(temperature, part) : undefined,
      },
    );
  }
}

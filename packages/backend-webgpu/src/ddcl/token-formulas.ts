import type { TokenQuantity } from '@ddcl/core/backend';
import { Arithmetic } from '../compile/arithmetic.ts';
import { reduce, segmentSum } from '../compile/kernel-ops.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import { literal, type Size } from '../wgsl/size.ts';
import type { Stored, Value } from '../wgsl/value.ts';

/** `(M, 1 / S, E / S, winner)` of all tokens, [n, 4], and `|z_n|^2`, [n], where something depends on it. */
interface AllNumbers {
  readonly rows: Stored;
  readonly squares: Value | undefined;
}

/** What follows from the numbers of all tokens alone. */
export class TokenFormulas {
  readonly #numbers: AllNumbers;
  readonly arithmetic: Arithmetic;
  readonly #plan: PlanBuilder;
  readonly #weights: Value | undefined;
  readonly #temperature: Stored;
  readonly #n: Size;

  constructor(plan: PlanBuilder, weights: Value | undefined, temperature: Stored, numbers: AllNumbers) {
    this.#plan = plan;
    this.arithmetic = new Arithmetic(plan);
    this.#weights = weights;
    this.#temperature = temperature;
    this.#numbers = numbers;
    this.#n = numbers.rows.shape[0]!;
  }

  /** `l_n = sum_k q_nk d_nk = |z|^2 - T (M + E / S)`, [n]. */
  get errors(): Value {
    const a = this.arithmetic;
    return this.#distance(a.add(this.#number(0), this.#number(2)));
  }

  /** `min_k d_nk`, [n]. */
  get hardErrors(): Value {
    return this.#distance(this.#number(0));
  }

  /** `-sum_k q_nk log q_nk = ln S - E / S`, [n]. */
  get entropies(): Value {
    const a = this.arithmetic;
    return a.sub(a.of('neg', a.of('log', this.#number(1))), this.#number(2));
  }

  /** `argmax_k q_nk`, int32 [n]. */
  get winners(): Value {
    return this.arithmetic.toInt32(this.#number(3));
  }

  /** `sum_n a_n x_n` of numbers for each token, a scalar. */
  total(perToken: Value): Value {
    const input = this.arithmetic.mul(this.#weights!, perToken);
    return reduce(this.#plan, { op: 'sum', input, axes: [0] }, []);
  }

  result(quantity: TokenQuantity, k: Size): Value {
    const a = this.arithmetic;
    const asColumn = (x: Value): Value => a.reshape(x, [this.#n, literal(1)]);
    switch (quantity) {
      case 'nearest':
        return asColumn(this.winners);
      case 'nearestDistance':
        return asColumn(this.hardErrors);
      case 'hard':
        return this.total(this.hardErrors);
      case 'entropy':
        return this.total(this.entropies);
      case 'wins':
        return segmentSum(this.#plan, [this.#weights!, this.winners], { segments: k.value, sorted: false }, [k]);
      default:
        throw new TypeError(`${quantity} does not follow from the numbers of tokens`);
    }
  }

  /** The distance that belongs to a logit. */
  #distance(logit: Value): Value {
    const a = this.arithmetic;
    return a.of('maximum', a.sub(this.#numbers.squares!, a.mul(this.#temperature, logit)), a.number(0));
  }

  /** Number `index` of each token, [n]. */
  #number(index: number): Value {
    return this.arithmetic.reshape(this.arithmetic.column(this.#numbers.rows, index), [this.#n]);
  }
}

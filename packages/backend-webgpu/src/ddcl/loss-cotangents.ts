import type { TokenPassOperands } from '@ddcl/core/backend';
import { Arithmetic } from '../compile/arithmetic.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import type { Stored, Value } from '../wgsl/value.ts';

/** Cotangents of L_q, L_OLS and V as two, V replaced by `L_q - L_OLS`, for all tokens; what is 0 is undefined. */
export class LossCotangents {
  /** `c_q a_n`, [n]. */
  readonly direct: Stored | undefined;
  /** `-2 c_ols a_n / T`, [n]: times `z - y` it is what flows to the outputs, over T. */
  readonly onResidual: Stored | undefined;
  readonly #arithmetic: Arithmetic;
  readonly #onLq: Value | undefined;
  readonly #onLols: Value | undefined;

  constructor(plan: PlanBuilder, { weights, onLq, onLols, onV }: TokenPassOperands<Value>, temperature: Value) {
    const a = new Arithmetic(plan);
    this.#arithmetic = a;
    this.#onLq = onV === undefined || onLq === undefined ? (onLq ?? onV) : a.add(onLq, onV);
    if (onV === undefined) this.#onLols = onLols;
    else this.#onLols = onLols === undefined ? a.of('neg', onV) : a.sub(onLols, onV);
    this.direct = this.#onLq && plan.store(a.mul(weights!, this.#onLq));
    this.onResidual =
      this.#onLols && plan.store(a.of('div', a.mul(a.mul(weights!, this.#onLols), a.number(-2)), temperature));
  }

  /** Whether the gradient needs `z - y`. */
  get hasResidual(): boolean {
    return this.onResidual !== undefined;
  }

  /** `c_q l_n + c_ols |z_n - y_n|^2`, [n]. */
  byWeights(errors: Value, residuals: Value | undefined): Value {
    const a = this.#arithmetic;
    const [onLq, onLols] = [this.#onLq, this.#onLols];
    const parts = [
      ...(onLq === undefined ? [] : [a.mul(errors, onLq)]),
      ...(onLols === undefined ? [] : [a.mul(residuals!, onLols)]),
    ];
    return parts.length === 0 ? a.mul(errors, a.number(0)) : parts.reduce((x, y) => a.add(x, y));
  }
}

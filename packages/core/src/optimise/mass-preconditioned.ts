import { DdclError } from '../errors/ddcl-error.ts';
import { add, div, less, maximum, mul, select, sub } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { sum } from '../program/ops/reduce.ts';
import type { Optimizer } from './optimizer.ts';

/** Rows whose mass is below this share of the mean one stay where they are: their own few tokens would throw them about. */
const leastShare = 0.01;

/** A batch without weight has no mass at all, and moves nothing. */
const smallest = 1e-30;

/**
 * Prototypes as running averages of their tokens: with `w_nk` of docs/math.md section 3 and the rate rho,
 *
 *     S = (1 - rho) S + rho sum_n a_n w_nk        p = p - rho dL_q/dp / (2 S)
 *
 * which is `p = M / S` for running sums S of the mass and M of the tokens. It is the stationarity of L_q solved prototype by
 * prototype, gradient descent divided by half the Hessian's diagonal at assignments that stand still, so that the rate has no unit and
 * needs no search: 1 goes to the weighted mean of the batch's tokens, less averages over about 1 / rho batches. S starts at 0, so the
 * first step is a whole one. A prototype whose mass is negligible or negative (all push it away) stays where it is; `relocate` finds it a
 * place.
 *
 * For prototypes alone, and a loss that gives `gradients` and `masses` (`lossAndGradient` has both): it divides by what only L_q has.
 */
export function massPreconditioned(): Optimizer {
  return {
    name: 'mass preconditioned',
    settings: {},
    slots: ['rows'],
    needsMass: true,
    update(parameter, gradient, [before], { learningRate, mass }) {
      const [count, ...rest] = parameter.shape;
      if (mass === undefined || rest.length === 0) {
        throw new DdclError(
          'argument',
          `massPreconditioned moves prototypes [K, m] by the mass of each, but ${mass === undefined ? 'got none' : `the parameter has shape [${parameter.shape.join(', ')}]`}. Return { gradients, masses } from the loss, as lossAndGradient has them, or take another optimiser.`,
        );
      }
      const after = add(mul(before!, sub(1, learningRate)), mul(mass, learningRate));
      const least = maximum(mul(sum(after), leastShare / Number(count)), smallest);
      const isHeld = less(after, least);
      const step = select(isHeld, 0, div(learningRate, mul(select(isHeld, 1, after), 2)));
      return {
        parameter: sub(parameter, mul(gradient, reshape(step, [count!, ...rest.map(() => 1)]))),
        state: [after],
      };
    },
    divisor([masses], _step, size) {
      const count = masses!.length;
      const total = Array.from(masses!).reduce((sum, mass) => sum + mass, 0);
      const least = Math.max((total * leastShare) / count, smallest);
      // Where a prototype is held, it is as if it were infinitely heavy.
      const of = (mass: number): number => (mass < least ? Infinity : 2 * mass);
      return Float64Array.from({ length: size }, (_, index) => of(masses![Math.floor((index * count) / size)]!));
    },
  };
}

import { mul, sub } from '../program/ops/elementwise.ts';
import type { Tensor } from '../program/trace.ts';

/** Numbers of one step, float scalars of the parameter's dtype. They are inputs, so that no schedule recompiles. */
export interface StepControls {
  readonly learningRate: Tensor;
  /** Number of the step, from 1. */
  readonly step: Tensor;
  /** Share of the parameter taken off per unit of learning rate, >= 0. Default: the optimiser's own. */
  readonly weightDecay?: Tensor;
  /** Of a parameter [K, m] the mass that pulls at each row, [K], in the gradient's units; for an optimiser that `needsMass`. */
  readonly mass?: Tensor;
}

/** The shape of a state tensor: that of the parameter [K, ...], or a number for each of its rows [K]. */
export type SlotShape = 'parameter' | 'rows';

/** A parameter after a step, with the optimiser's state for it. */
export interface Updated {
  readonly parameter: Tensor;
  readonly state: readonly Tensor[];
}

/**
 * An update rule as a part of a program: it has no state of its own, so it runs on every backend
 * and its state is saved like any tensor.
 */
export interface Optimizer {
  readonly name: string;
  /** Its numbers by name: with the name they tell two rules apart, as when a fit is resumed. */
  readonly settings: Readonly<Record<string, number>>;
  /** The tensors that it keeps per parameter; all start at zero. */
  readonly slots: readonly SlotShape[];
  /** Whether it takes the mass of each row, which only a loss with closed-form gradients can give. Default false. */
  readonly needsMass?: boolean;
  update(parameter: Tensor, gradient: Tensor, state: readonly Tensor[], controls: StepControls): Updated;
  /**
   * What it divides a gradient by, element by element, for the largest safe rate (docs/math.md section 4); left out where it divides by nothing.
   *
   * @param state its tensors after a step; @param step number of that step, from 1; @param size elements of the parameter
   */
  divisor?(state: readonly ArrayLike<number>[], step: number, size: number): Float64Array;
}

/** Decoupled weight decay (Loshchilov, Hutter, arXiv 1711.05101): `p - decay p rate`; a decay that is known to be 0 leaves p alone. */
export function decayed(parameter: Tensor, { learningRate, weightDecay }: StepControls, own = 0): Tensor {
  const decay = weightDecay ?? own;
  return decay === 0 ? parameter : sub(parameter, mul(mul(parameter, decay), learningRate));
}

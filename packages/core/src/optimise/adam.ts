import { DdclError } from '../errors/ddcl-error.ts';
import { scalar } from '../program/ops/create.ts';
import { add, div, exp, mul, sqrt, sub } from '../program/ops/elementwise.ts';
import type { Tensor } from '../program/trace.ts';
import { decayed, type Optimizer } from './optimizer.ts';

export interface AdamOptions {
  /** Decay of the mean of gradients, 0 <= beta1 < 1. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients, 0 <= beta2 < 1. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root, > 0, in units of the gradient. Default 1e-8. */
  readonly epsilon?: number;
}

export interface AdamWOptions extends AdamOptions {
  /** Share of a parameter taken off per unit of learning rate, >= 0. Default 0.01. */
  readonly weightDecay?: number;
}

/** `1 - beta^step`, with the step an input: `exp(step log beta)`. */
function correction(step: Tensor, beta: number): Tensor {
  return beta === 0 ? scalar(step, 1) : sub(1, exp(mul(step, Math.log(beta))));
}

/** Adam (Kingma, Ba, arXiv 1412.6980) with bias correction. */
export function adam(options: AdamOptions = {}): Optimizer {
  return adamW({ ...options, weightDecay: 0 }, 'adam');
}

/** Adam with decoupled weight decay (Loshchilov, Hutter, arXiv 1711.05101). */
export function adamW(
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 }: AdamWOptions = {},
  name = 'adamw',
): Optimizer {
  const inUnit = (beta: number): boolean => beta >= 0 && beta < 1;
  if (!inUnit(beta1) || !inUnit(beta2) || !(epsilon > 0) || !(weightDecay >= 0)) {
    throw new DdclError(
      'argument',
      `${name} takes beta1 and beta2 from 0 to below 1, epsilon > 0 and weightDecay >= 0, but got ${beta1}, ${beta2}, ${epsilon}, ${weightDecay}.`,
    );
  }
  return {
    name,
    settings: { beta1, beta2, epsilon, weightDecay },
    slots: ['parameter', 'parameter'],
    update(parameter, gradient, state, controls) {
      const { learningRate, step } = controls;
      const [mean, square] = state as [Tensor, Tensor];
      const nextMean = add(mul(mean, beta1), mul(gradient, 1 - beta1));
      const nextSquare = add(mul(square, beta2), mul(mul(gradient, gradient), 1 - beta2));
      const scale = sqrt(div(nextSquare, correction(step, beta2)));
      const direction = div(div(nextMean, correction(step, beta1)), add(scale, epsilon));
      return {
        parameter: sub(decayed(parameter, controls, weightDecay), mul(direction, learningRate)),
        state: [nextMean, nextSquare],
      };
    },
    divisor: ([, square], step) =>
      Float64Array.from(square!, (value) => Math.sqrt(value / (1 - beta2 ** step)) + epsilon),
  };
}

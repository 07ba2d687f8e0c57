import { DdclError } from '../errors/ddcl-error.ts';
import { add, mul, sub } from '../program/ops/elementwise.ts';
import { decayed, type Optimizer } from './optimizer.ts';

export interface SgdOptions {
  /** Share of the last step that is kept, 0 <= momentum < 1. Default 0: plain gradient descent. */
  readonly momentum?: number;
}

/** Gradient descent, with heavy-ball momentum: `v = momentum v + g`, `p = p - rate v`. */
export function sgd({ momentum = 0 }: SgdOptions = {}): Optimizer {
  if (!(momentum >= 0 && momentum < 1)) {
    throw new DdclError('argument', `sgd takes a momentum from 0 to below 1, but got ${momentum}.`);
  }
  return {
    name: 'sgd',
    settings: { momentum },
    slots: momentum === 0 ? [] : ['parameter'],
    update(parameter, gradient, [velocity], controls) {
      const { learningRate } = controls;
      const start = decayed(parameter, controls);
      if (velocity === undefined) return { parameter: sub(start, mul(gradient, learningRate)), state: [] };
      const moved = add(mul(velocity, momentum), gradient);
      return { parameter: sub(start, mul(moved, learningRate)), state: [moved] };
    },
  };
}

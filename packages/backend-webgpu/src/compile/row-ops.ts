import { rowKernel } from '../kernels/row-normalize.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import { costOf, readsOf, type Value } from '../wgsl/value.ts';
import type { CompositeMaker } from './compile-program.ts';

/** Rows are gone over two or three times. */
function rowOperand(plan: PlanBuilder, value: Value): Value {
  return costOf(value) <= 4 && readsOf(value).size <= 2 ? value : plan.store(value);
}

/** Composites that go over rows, in one dispatch each. */
export const rowComposites: Readonly<Record<string, CompositeMaker>> = {
  'softmax/1': (plan, [x], attributes) => [
    () => {
      const [input, target] = [rowOperand(plan, x!), plan.make('f32', x!.shape)];
      plan.dispatch(rowKernel(plan.symbols, { op: 'softmax', input, axis: attributes['axis'] as number, target }));
      return target;
    },
  ],
  'logSumExp/1': (plan, [x], attributes) => [
    () => {
      const axis = attributes['axis'] as number;
      const shape = x!.shape.filter((_, other) => other !== axis);
      const [input, target] = [rowOperand(plan, x!), plan.make('f32', shape)];
      plan.dispatch(rowKernel(plan.symbols, { op: 'logSumExp', input, axis, target }));
      return target;
    },
  ],
  'layerNorm/1': (plan, [x, gainOf, biasOf], attributes) => [
    () => {
      const [input, gain, bias] = [rowOperand(plan, x!), plan.store(gainOf!), plan.store(biasOf!)];
      const target = plan.make('f32', x!.shape);
      const call = { input, gain, bias, axis: x!.shape.length - 1, epsilon: attributes['epsilon'] as number, target };
      plan.dispatch(rowKernel(plan.symbols, { op: 'layerNorm', ...call }));
      return target;
    },
  ],
};

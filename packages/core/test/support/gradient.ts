import { expect } from 'vitest';
import { valueAndGrad } from '../../src/differentiate/value-and-grad.ts';
import { grad } from '../../src/differentiate/vjp.ts';
import { isFloat } from '../../src/program/dtype.ts';
import { add, mul } from '../../src/program/ops/elementwise.ts';
import { constant } from '../../src/program/ops/create.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import type { Program } from '../../src/program/program.ts';
import { elementCount } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { randomNumbers, runner, value, type Value } from './run.ts';

export type Body = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/**
 * How gradients are compared. The differences take four points, so with a step of 1e-3 and values and
 * derivatives of order 1 to 100 they are good to about 1e-10 (truncation step^4 / 30 times the fifth derivative, rounding
 * 1e-16 / step). Every element must agree to 1e-6 of itself; one that is much smaller than its neighbours, to 1e-6
 * of a thousandth of the largest.
 */
const step = 1e-3;
const tolerance = 1e-6;
const floor = 1e-3;
/** Below this a derivative counts as zero: rounding alone makes differences of about 1e-12. */
const nothing = 1e-9;

export interface GradientCase {
  readonly inputs: readonly Value[];
  readonly body: Body;
  /** Inputs to differentiate; default all floats. */
  readonly wrt?: readonly number[];
  /** Another step than 1e-3. */
  readonly step?: number;
}

/** The sum of the tensors' elements, each times a random number of order 1. */
export function weightedSum(tensors: readonly Tensor[], seed: number): Tensor {
  const random = randomNumbers(seed);
  const terms = tensors.map((tensor) => {
    const shape = tensor.shape as readonly number[];
    const weights = Array.from({ length: elementCount(shape) }, () => (random() < 0.5 ? -1 : 1) * (0.5 + random()));
    return sum(mul(tensor, constant(tensor, tensor.dtype, shape, weights)));
  });
  return terms.reduce((total, term) => add(total, term));
}

function floats(inputs: readonly Value[]): number[] {
  return inputs.flatMap(({ type }, index) => (isFloat(type.dtype) ? [index] : []));
}

/** The scalar whose gradient is checked: a random weighted sum of what `body` returns. */
export function scalarProgram({ inputs, body }: GradientCase): Program {
  return trace(
    inputs.map(({ type }) => type),
    (...tensors) => [weightedSum([body(...(tensors as Tensor[]))].flat() as Tensor[], 11)],
    'case',
  );
}

/** A random weighted sum of the gradient: its gradient holds second derivatives. */
export function gradientSumProgram(tested: GradientCase): Program {
  const { inputs, body, wrt = floats(inputs) } = tested;
  return trace(
    inputs.map(({ type }) => type),
    (...tensors) => {
      const all = tensors as Tensor[];
      const total = weightedSum([body(...all)].flat() as Tensor[], 11);
      return [
        weightedSum(
          grad(
            total,
            wrt.map((index) => all[index]!),
          ),
          12,
        ),
      ];
    },
    'gradient of case',
  );
}

/** Compares the gradient of a scalar program with central differences. */
export async function checkAgainstDifferences(program: Program, tested: GradientCase): Promise<void> {
  const { inputs, wrt = floats(inputs), step: h = step } = tested;
  const evaluate = await runner(program);
  const [, ...gradients] = await (await runner(valueAndGrad(program, { wrt })))(inputs);
  for (const [order, index] of wrt.entries()) {
    const { type, data } = inputs[index]!;
    const at = async (element: number, shift: number): Promise<number> => {
      const moved = Array.from(data);
      moved[element]! += shift;
      return (await evaluate(inputs.with(index, value(type, moved))))[0]![0]!;
    };
    const gradient = gradients[order]!;
    const differences: number[] = [];
    for (let element = 0; element < data.length; element++) {
      const [near, far] = [
        (await at(element, h)) - (await at(element, -h)),
        (await at(element, 2 * h)) - (await at(element, -2 * h)),
      ];
      differences.push((8 * near - far) / (12 * h));
    }
    const scale = Math.max(...differences.map(Math.abs));
    expect(gradient).toHaveLength(data.length);
    gradient.forEach((actual, element) => {
      const expected = differences[element]!;
      const allowed = Math.max(tolerance * Math.max(Math.abs(expected), floor * scale), nothing);
      expect(
        Math.abs(actual - expected),
        `d/d input ${index}[${element}]: ${actual} instead of ${expected}`,
      ).toBeLessThanOrEqual(allowed);
    });
  }
}

/** Checks first and second derivatives. */
export async function checkGradient(tested: GradientCase): Promise<void> {
  await checkAgainstDifferences(scalarProgram(tested), tested);
  await checkAgainstDifferences(gradientSumProgram(tested), tested);
}

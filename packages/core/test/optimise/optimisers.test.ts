import { describe, expect, it } from 'vitest';
import { adam, adamW } from '../../src/optimise/adam.ts';
import type { Optimizer } from '../../src/optimise/optimizer.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import { tensorType } from '../../src/program/tensor-type.ts';
import { trace } from '../../src/program/trace.ts';
import { deviation } from '../support/ddcl-problems.ts';
import { errorOf, randomNumbers, runner, value } from '../support/run.ts';

const size = 5;
const steps = 25;
const random = randomNumbers(3);
const initial = Array.from({ length: size }, () => 2 * random() - 1);
/** One gradient per step, of scales from 1e-3 to 1e3; rates that change from step to step. */
const gradients = Array.from({ length: steps }, () =>
  initial.map((_, index) => 10 ** (index * 1.5 - 3) * (2 * random() - 1)),
);
const rates = gradients.map((_, step) => 0.1 / (1 + step));

/** What the optimiser makes of the parameters, step by step, in float64 or float32. */
async function optimised(optimizer: Optimizer, dtype: 'float32' | 'float64' = 'float64'): Promise<number[]> {
  const vector = tensorType(dtype, [size]);
  const state = optimizer.slots.map(() => vector);
  const program = trace([vector, vector, tensorType(dtype, []), tensorType(dtype, []), ...state], (...inputs) => {
    const [parameter, gradient, learningRate, step, ...slots] = inputs;
    const updated = optimizer.update(parameter!, gradient!, slots as never, {
      learningRate: learningRate!,
      step: step!,
    });
    expect(updated.state).toHaveLength(optimizer.slots.length);
    return [updated.parameter, ...updated.state];
  });
  const run = await runner(program);
  let held = [initial, ...state.map(() => initial.map(() => 0))];
  for (const [index, gradient] of gradients.entries()) {
    const [parameter, ...slots] = held;
    const scalar = tensorType(dtype, []);
    held = await run([
      value(vector, parameter!),
      value(vector, gradient),
      value(scalar, [rates[index]!]),
      value(scalar, [index + 1]),
      ...slots.map((slot) => value(vector, slot)),
    ]);
  }
  return held[0]!;
}

/** Heavy ball: v = mu v + g, p = p - eta v. */
function naiveSgd(momentum: number): number[] {
  const [p, v] = [[...initial], initial.map(() => 0)];
  gradients.forEach((gradient, step) =>
    gradient.forEach((g, i) => {
      v[i] = momentum * v[i]! + g;
      p[i]! -= rates[step]! * v[i]!;
    }),
  );
  return p;
}

/** Algorithm 2 of Loshchilov, Hutter (arXiv 1711.05101) with lambda scaled by the rate, which for lambda = 0 is algorithm 1 of Kingma, Ba. */
function naiveAdamW(beta1: number, beta2: number, epsilon: number, weightDecay: number): number[] {
  const [p, m, v] = [[...initial], initial.map(() => 0), initial.map(() => 0)];
  gradients.forEach((gradient, index) =>
    gradient.forEach((g, i) => {
      const t = index + 1;
      m[i] = beta1 * m[i]! + (1 - beta1) * g;
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      const step = m[i]! / (1 - beta1 ** t) / (Math.sqrt(v[i]! / (1 - beta2 ** t)) + epsilon);
      p[i] = p[i]! - rates[index]! * (step + weightDecay * p[i]!);
    }),
  );
  return p;
}

describe('update rules are the published ones', () => {
  it.each([
    ['sgd', sgd(), naiveSgd(0)],
    ['sgd with momentum', sgd({ momentum: 0.9 }), naiveSgd(0.9)],
    ['adam', adam(), naiveAdamW(0.9, 0.999, 1e-8, 0)],
    ['adam, other numbers', adam({ beta1: 0.5, beta2: 0.9, epsilon: 0.1 }), naiveAdamW(0.5, 0.9, 0.1, 0)],
    ['adam without memory', adam({ beta1: 0, beta2: 0, epsilon: 1e-3 }), naiveAdamW(0, 0, 1e-3, 0)],
    ['adamw', adamW(), naiveAdamW(0.9, 0.999, 1e-8, 0.01)],
    ['adamw, strong decay', adamW({ weightDecay: 0.5 }), naiveAdamW(0.9, 0.999, 1e-8, 0.5)],
  ] as const)('%s', async (_, optimizer, expected) => {
    // 1 - beta^t as 1 - exp(t log beta) loses three digits of 1e-16 at t = 1 and beta = 0.999.
    expect(deviation(await optimised(optimizer), expected)).toBeLessThan(1e-12);
    // float32: 1 - 0.999^t carries an error of 6e-5 at the first step, half of that after its root; the steps sum to about 0.4.
    expect(deviation(await optimised(optimizer, 'float32'), expected)).toBeLessThan(1e-4);
  });

  it.each([
    [() => sgd({ momentum: 1 }), 'sgd takes a momentum from 0 to below 1, but got 1'],
    [() => sgd({ momentum: NaN }), 'sgd takes a momentum'],
    [() => adam({ beta1: 1 }), 'adam takes beta1'],
    [() => adam({ beta2: -0.1 }), 'adam takes beta1'],
    [() => adam({ epsilon: 0 }), 'epsilon > 0'],
    [() => adamW({ weightDecay: -1 }), 'adamw takes beta1'],
  ])('numbers out of range are refused', (make, text) => {
    const error = errorOf(make);
    expect(error.code).toBe('argument');
    expect(error.message).toContain(text);
  });

  it('rules that differ in a number differ in their settings', () => {
    expect(adam().settings).not.toEqual(adam({ beta2: 0.99 }).settings);
    expect(sgd().settings).not.toEqual(sgd({ momentum: 0.5 }).settings);
    expect(adamW().name).not.toBe(adam().name);
  });
});

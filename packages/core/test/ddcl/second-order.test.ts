import { describe, expect, it } from 'vitest';
import { hessianProduct } from '../../src/ddcl/hessian-product.ts';
import { loss, lossAndGradient } from '../../src/ddcl/loss.ts';
import { grad } from '../../src/differentiate/vjp.ts';
import type { Program } from '../../src/program/program.ts';
import { mul } from '../../src/program/ops/elementwise.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f64 } from '../../src/program/tensor-type.ts';
import { Tensor, trace } from '../../src/program/trace.ts';
import { deviation, problems, problemTypes, problemValues, withoutGradients } from '../support/ddcl-problems.ts';
import { denseHessianOf, type Problem } from '../support/oracle.ts';
import { randomValue, run } from '../support/run.ts';

const directionType = ({ prototypes }: Problem) => f64(prototypes.length, prototypes[0]!.length);
const typesOf = (problem: Problem) => [...problemTypes(problem, 'float64'), directionType(problem)];

function product(problem: Problem): Program {
  return trace(typesOf(problem), (tokens, weights, prototypes, temperature, direction) => [
    hessianProduct(
      { tokens: tokens!, weights: weights!, prototypes: prototypes!, temperature: temperature! },
      direction!,
    ),
  ]);
}

/** The gradient of <gradient of L_q, U>: what the product is by definition. */
function twiceDifferentiated(problem: Problem): Program {
  return trace(typesOf(problem), (...inputs) => {
    const [tokens, weights, prototypes, temperature, direction] = inputs.map((input) => input!);
    const { lq } = loss({ tokens: tokens!, weights: weights!, prototypes: prototypes!, temperature: temperature! });
    const [gradient] = grad(lq, [prototypes!]);
    return grad(sum(mul(gradient!, direction!)), [prototypes!]);
  });
}

describe.each(Object.entries(problems))('second order: %s', (_, problem) => {
  const direction = randomValue(directionType(problem), 21);
  const inputs = [...problemValues(problem), direction];

  it('hessianProduct is the gradient of <gradient, U>, by closed forms and by the transform', async () => {
    const [actual] = await run(product(problem), inputs);
    const [closed] = await run(twiceDifferentiated(problem), inputs);
    // The decomposition of L_q without any closed form, differentiated twice.
    const plain = trace(typesOf(problem), (...all) => {
      const [tokens, weights, prototypes, temperature] = all.map((input) => input!);
      return [loss({ tokens: tokens!, weights: weights!, prototypes: prototypes!, temperature: temperature! }).lq];
    });
    const gradientOfPlain = trace(typesOf(problem), (...all) => {
      const { builder } = all[0]!;
      const ids = builder.inline(
        withoutGradients(plain),
        all.map((input) => input!.id),
      );
      const [gradient] = grad(new Tensor(builder, ids[0]!), [all[2]!]);
      return grad(sum(mul(gradient!, all[4]!)), [all[2]!]);
    });
    const [transformed] = await run(gradientOfPlain, inputs);
    // Acceptance 2 of the foundation.
    expect(deviation(actual!, closed!)).toBeLessThan(1e-12);
    expect(deviation(actual!, transformed!)).toBeLessThan(1e-12);
  });

  it('hessianProduct is the product with the dense Hessian of naive gradients', async () => {
    const [actual] = await run(product(problem), inputs);
    const hessian = denseHessianOf(problem);
    const expected = hessian.map((row) =>
      row.reduce((total, entry, index) => total + entry * direction.data[index]!, 0),
    );
    // Four-point differences with steps of 1e-3: about 1e-10 at T = 2, more (step^4 / T^4) at T = 0.5.
    expect(deviation(actual!, expected)).toBeLessThan(1e-8);
  });

  it('the gradient of lossAndGradient is the gradient of loss.lq', async () => {
    const programOf = (body: 'closed' | 'grad'): Program =>
      trace(problemTypes(problem, 'float64'), (tokens, weights, prototypes, temperature) => {
        const operands = { tokens: tokens!, weights: weights!, prototypes: prototypes!, temperature: temperature! };
        if (body === 'closed') return Object.values(lossAndGradient(operands));
        const { lq } = loss(operands);
        return [lq, ...grad(lq, [prototypes!])];
      });
    const [closed, expected] = [
      await run(programOf('closed'), problemValues(problem)),
      await run(programOf('grad'), problemValues(problem)),
    ];
    expect(deviation(closed[0]!, expected[0]!)).toBeLessThan(1e-14);
    expect(deviation(closed[1]!, expected[1]!)).toBeLessThan(1e-12);
  });
});

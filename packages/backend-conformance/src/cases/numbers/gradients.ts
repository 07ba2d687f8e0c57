import { add, assign, constant, matmul, mul, sub, sum, tanh, trace, valueAndGrad, type Tensor } from '@ddcl/core';
import type { ConcreteType, FloatDType, Program } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import type { Value } from '../../oracle/tensor.ts';
import { checkProgram } from '../../run/check.ts';
import { ddclComposites } from '../composites/ddcl.ts';
import { generalComposites } from '../composites/general.ts';
import { problemTypes, problemValues, randomProblem } from '../composites/problems.ts';
import { randomNumbers, randomValue, seedOf, typeMaker, value } from '../data.ts';
import type { Variant } from '../variants.ts';
import { differentiated } from './differentiated.ts';
import { primitiveGradients } from './primitive-gradients.ts';

const floats: readonly FloatDType[] = ['float32', 'float64'];

/** Random numbers of order 1 as weights of a composite's results, so that no derivative cancels. */
function weightedSum(results: readonly Tensor[]): Tensor {
  const random = randomNumbers(7);
  return results
    .map((each) => {
      // Constants have known sizes; a weight for the last axis will do where the first is a symbol.
      const last = each.shape.at(-1);
      const shape = typeof last === 'number' ? [last] : [];
      const weights = Array.from({ length: shape[0] ?? 1 }, () => (random() < 0.5 ? -1 : 1) * (0.5 + random()));
      return sum(mul(each, constant(each, each.dtype, shape, weights)));
    })
    .reduce((total, each) => add(total, each));
}

function generalGradients(dtype: FloatDType): ConformanceCase[] {
  const f = typeMaker(dtype);
  return Object.entries(generalComposites).flatMap(([name, variants]) =>
    variants.map(({ operands, body, range, name: label = '' }: Variant) => {
      const n = 9;
      const types = operands(n, f) as readonly ConcreteType[];
      return conformanceCase(
        'gradient',
        `${types.map(({ shape }) => `<${shape.join(',')}>`).join(' x ')} ${String(label)}`.trim(),
        (context) => {
          const program = trace(
            types,
            (...x) => [weightedSum([body(x as Tensor[], n)].flat() as Tensor[])],
            `gradient of ${name}`,
          );
          const inputs = types.map((type, index) =>
            randomValue(type, seedOf(`${name} ${index}`), ...(range ?? [-2, 2])),
          );
          return checkProgram(context, differentiated(program), inputs);
        },
        { op: name, dtype },
      );
    }),
  );
}

function ddclGradients(dtype: FloatDType): ConformanceCase[] {
  const size = { count: 3, m: 4, temperature: 3 };
  return Object.entries(ddclComposites).flatMap(([name, { body, more, moreValues, differentiable }]) => {
    const { count, m } = size;
    const types = [...problemTypes('n', count, m, dtype), ...(more?.('n', count, m, dtype) ?? [])];
    let program: Program | undefined;
    return [1, 9, 65].map((n) =>
      conformanceCase(
        'gradient',
        `n = ${n}, K = ${count}, m = ${m}`,
        (context) => {
          program ??= differentiated(
            trace(
              types,
              (...inputs) => {
                const results = body(inputs as Tensor[]);
                return [weightedSum(differentiable?.map((index) => results[index]!) ?? results)];
              },
              `gradient of ${name}`,
            ),
          );
          const problem = randomProblem({ n, ...size }, { seed: seedOf(`${name} ${n}`), dtype });
          const inputs: Value[] = [...problemValues(problem, m, dtype), ...(moreValues?.(n, count, m, dtype) ?? [])];
          return checkProgram(context, program, inputs);
        },
        { op: name, dtype },
      ),
    );
  });
}

/** A step of training: a loss through two layers and the assignment, with the gradients of all weights. */
function trainingStep(dtype: FloatDType): ConformanceCase {
  const f = typeMaker(dtype);
  const types = [f('n', 4), f(4, 6), f(6), f(6, 3), f(5, 3), f()];
  const program = trace(
    types,
    (x, w1, b1, w2, prototypes, temperature) => {
      const tokens = matmul(tanh(add(matmul(x!, w1!), b1!)), w2!);
      const q = assign({ tokens, prototypes: prototypes!, temperature: temperature! });
      const residual = sub(tokens, matmul(q, prototypes!));
      return [sum(mul(residual, residual))];
    },
    'training step',
  );
  const step = valueAndGrad(program, { wrt: [1, 2, 3, 4] });
  return conformanceCase(
    'gradient',
    'a training step through two layers',
    async (context) => {
      let worst = 0;
      for (const n of [1, 64, 65]) {
        const inputs = types
          .slice(0, 5)
          .map(({ shape }, index) =>
            randomValue({ dtype, shape: shape.map((size) => (size === 'n' ? n : size)) }, 40 + index, -1, 1),
          );
        worst = Math.max(worst, await checkProgram(context, step, [...inputs, value(f(), [2])]));
      }
      return worst;
    },
    { dtype },
  );
}

/** Programs that differentiation made: more instructions, and ops in places where nobody writes them by hand. */
export function gradientCases(): ConformanceCase[] {
  return floats.flatMap((dtype) => [
    ...primitiveGradients(dtype),
    ...generalGradients(dtype),
    ...ddclGradients(dtype),
    trainingStep(dtype),
  ]);
}

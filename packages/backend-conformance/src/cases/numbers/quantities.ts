import { trace, type Tensor } from '@ddcl/core';
import type { FloatDType, Program } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { checkProgram } from '../../run/check.ts';
import { ddclComposites, type DdclComposite } from '../composites/ddcl.ts';
import {
  problemTypes,
  problemValues,
  randomProblem,
  type ProblemOptions,
  type ProblemSize,
} from '../composites/problems.ts';

interface Problem extends ProblemSize, Pick<ProblemOptions, 'shift' | 'scale'> {
  readonly name: string;
}

/** Each of n, K and m at 1 once, many tokens, hard and uniform assignments, and data far from the origin. */
const problems: readonly Problem[] = [
  { name: 'all of them one', n: 1, count: 1, m: 1, temperature: 1 },
  { name: 'one prototype', n: 65, count: 1, m: 3, temperature: 1.5 },
  { name: 'one component', n: 64, count: 3, m: 1, temperature: 1 },
  { name: 'one token', n: 1, count: 3, m: 2, temperature: 2 },
  { name: 'many tokens', n: 257, count: 4, m: 5, temperature: 2 },
  { name: 'cold', n: 63, count: 4, m: 3, temperature: 0.05 },
  { name: 'hot', n: 63, count: 4, m: 3, temperature: 1e4 },
  { name: 'far from the origin', n: 65, count: 3, m: 3, temperature: 4, shift: 20 },
  { name: 'large', n: 65, count: 3, m: 3, temperature: 3e4, scale: 100 },
];

function quantityCase(
  name: string,
  { body, expected, more, moreValues }: DdclComposite,
  problem: Problem,
  dtype: FloatDType,
): ConformanceCase {
  const { name: label, n, count, m, temperature, shift = 0, scale = 1 } = problem;
  let program: Program | undefined;
  return conformanceCase(
    'ddcl',
    `${label}, n = ${n}, K = ${count}, m = ${m}, T = ${temperature}`,
    (context) => {
      const types = [...problemTypes(n, count, m, dtype), ...(more?.(n, count, m, dtype) ?? [])];
      program ??= trace(types, (...inputs) => body(inputs as Tensor[]), name);
      const drawn = randomProblem(
        { n, count, m, temperature },
        { seed: n + 10 * count + 100 * m, dtype, shift, scale },
      );
      const values = moreValues?.(n, count, m, dtype) ?? [];
      return checkProgram(context, program, [...problemValues(drawn, m, dtype), ...values], {
        expected: expected(drawn, values),
      });
    },
    { op: name, dtype },
  );
}

/** The quantities of DDCL against sums written as plain loops, which know neither programs nor composites. */
export function quantityCases(): ConformanceCase[] {
  return Object.entries(ddclComposites).flatMap(([name, composite]) =>
    (['float32', 'float64'] as const).flatMap((dtype) =>
      problems.map((problem) => quantityCase(name, composite, problem, dtype)),
    ),
  );
}

import { trace, type Tensor } from '@ddcl/core';
import type { FloatDType, Program } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { checkProgram } from '../../run/check.ts';
import { seedOf, testSizes } from '../data.ts';
import { variantCases } from '../variants.ts';
import { ddclComposites, type DdclComposite } from './ddcl.ts';
import { generalComposites } from './general.ts';
import { problemTypes, problemValues, randomProblem } from './problems.ts';

/** Names with version of all composites that the suite has cases for; a test compares it with what core defines. */
export const testedComposites: readonly string[] = [...Object.keys(generalComposites), ...Object.keys(ddclComposites)];

/** Prototypes, numbers per token, temperature: one prototype, one axis, a K and an m around 4 and 64. */
const shapes: readonly (readonly [count: number, m: number, temperature: number])[] = [
  [1, 4, 1.5],
  [3, 1, 2],
  [4, 5, 4],
  [5, 3, 0.5],
  [65, 7, 6],
];

/** Sizes of the token axis at which the program is compiled for that size alone. */
const concrete = 64;

function ddclCases(name: string, { body, more, moreValues }: DdclComposite, dtype: FloatDType): ConformanceCase[] {
  return shapes.flatMap(([count, m, temperature]) => {
    const programs = new Map<number | string, Program>();
    const programFor = (n: number | string): Program => {
      const types = [...problemTypes(n, count, m, dtype), ...(more?.(n, count, m, dtype) ?? [])];
      const program = programs.get(n) ?? trace(types, (...inputs) => body(inputs as Tensor[]), name);
      programs.set(n, program);
      return program;
    };
    // With many prototypes fewer sizes: 257 tokens of 65 prototypes say nothing that 65 tokens do not say sooner.
    const sizes = count > 9 ? [0, 3, 65] : [...testSizes.filter((n) => n !== concrete), concrete];
    return sizes.map((n) => {
      const label = `n = ${n}, K = ${count}, m = ${m}, T = ${temperature}`;
      return conformanceCase(
        'composite',
        label,
        (context) => {
          const problem = randomProblem({ n, count, m, temperature }, { seed: seedOf(label), dtype });
          const inputs = [...problemValues(problem, m, dtype), ...(moreValues?.(n, count, m, dtype) ?? [])];
          return checkProgram(context, programFor(n === concrete ? n : 'n'), inputs);
        },
        { op: name, dtype },
      );
    });
  });
}

/** Every composite against the oracle's run of its decomposition. */
export function compositeCases(): ConformanceCase[] {
  const general = Object.entries(generalComposites).flatMap(([name, variants]) =>
    variants.flatMap((variant) => variantCases(name, variant, 'composite')),
  );
  const ddcl = Object.entries(ddclComposites).flatMap(([name, composite]) =>
    (['float32', 'float64'] as const).flatMap((dtype) => ddclCases(name, composite, dtype)),
  );
  return [...general, ...ddcl];
}

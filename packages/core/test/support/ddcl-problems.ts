import { createRandom } from '../../src/random/random.ts';
import type { Program } from '../../src/program/program.ts';
import { tensorType, type TensorType } from '../../src/program/tensor-type.ts';
import type { Problem } from './oracle.ts';
import { value, type Value } from './run.ts';

/** A random problem: tokens and prototypes from N(0, 1), weights in 0.5..2 with a 0 at every fifth token. */
export function randomProblem(n: number, count: number, m: number, temperature: number, seed = 1): Problem {
  const random = createRandom(seed);
  const rows = (length: number): number[][] =>
    Array.from({ length }, () => Array.from({ length: m }, () => random.normal()));
  return {
    tokens: rows(n),
    prototypes: rows(count),
    weights: Array.from({ length: n }, (_, index) => (index % 5 === 4 ? 0 : 0.5 + 1.5 * random.uniform())),
    temperature,
  };
}

/** Sizes with each of n, K and m at 1 once, and temperatures from nearly hard to nearly uniform assignment. */
export const problems: Readonly<Record<string, Problem>> = {
  'n = 6, K = 3, m = 4, T = 2': randomProblem(6, 3, 4, 2, 1),
  'n = 6, K = 4, m = 2, T = 0.5': randomProblem(6, 4, 2, 0.5, 2),
  'n = 5, K = 2, m = 3, T = 50': randomProblem(5, 2, 3, 50, 3),
  'one prototype': randomProblem(5, 1, 3, 1.5, 4),
  'one component': randomProblem(6, 3, 1, 1, 5),
  'one token': randomProblem(1, 3, 2, 2, 6),
  'all of them one': randomProblem(1, 1, 1, 1, 7),
};

/** Types of (tokens, weights, prototypes, temperature). */
export function problemTypes({ tokens, prototypes }: Problem, dtype: 'float32' | 'float64'): TensorType[] {
  const [n, m] = [tokens.length, tokens[0]!.length];
  return [
    tensorType(dtype, [n, m]),
    tensorType(dtype, [n]),
    tensorType(dtype, [prototypes.length, m]),
    tensorType(dtype, []),
  ];
}

/** Values of (tokens, weights, prototypes, temperature). */
export function problemValues(problem: Problem, dtype: 'float32' | 'float64' = 'float64'): Value[] {
  const data = [problem.tokens.flat(), problem.weights, problem.prototypes.flat(), [problem.temperature]];
  return problemTypes(problem, dtype).map((type, index) => value(type, data[index]!));
}

/** The program without closed forms, all the way down: its derivative is that of the decompositions. */
export function withoutGradients(program: Program): Program {
  return {
    ...program,
    instructions: program.instructions.map((instruction) =>
      instruction.op === 'composite'
        ? { ...instruction, gradient: undefined, decomposition: withoutGradients(instruction.decomposition) }
        : instruction,
    ),
  };
}

/** Largest difference relative to the largest expected number, which may be 0 (then the difference itself). */
export function deviation(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Infinity;
  const scale = Math.max(...expected.map(Math.abs)) || 1;
  const worst = Math.max(...expected.map((number, index) => Math.abs(actual[index]! - number)));
  return Number.isNaN(worst) ? Infinity : worst / scale;
}

import { tensorType, type FloatDType, type TensorType } from '@ddcl/core/backend';
import type { Problem } from '../../oracle/ddcl.ts';
import type { Value } from '../../oracle/tensor.ts';
import { randomNumbers, value } from '../data.ts';

/** Numbers of the normal distribution (Box and Muller). */
function normals(seed: number): () => number {
  const random = randomNumbers(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export interface ProblemSize {
  readonly n: number;
  /** Prototypes. */
  readonly count: number;
  /** Numbers per token. */
  readonly m: number;
  readonly temperature: number;
}

export interface ProblemOptions {
  readonly seed: number;
  /** The numbers are rounded to it, so that the oracle sees what the program sees. */
  readonly dtype: FloatDType;
  /** Added to every number of tokens and prototypes. */
  readonly shift?: number;
  /** Multiplied with them before. */
  readonly scale?: number;
}

/** Tokens and prototypes from N(0, 1), weights in 0.5..2 with a 0 (padding) at every fifth token. */
export function randomProblem({ n, count, m, temperature }: ProblemSize, options: ProblemOptions): Problem {
  const { seed, dtype, shift = 0, scale = 1 } = options;
  const normal = normals(seed);
  const random = randomNumbers(seed + 1);
  const seen = (x: number): number => (dtype === 'float32' ? Math.fround(x) : x);
  const rows = (length: number): number[][] =>
    Array.from({ length }, () => Array.from({ length: m }, () => seen(shift + scale * normal())));
  return {
    tokens: rows(n),
    prototypes: rows(count),
    weights: Array.from({ length: n }, (_, index) => (index % 5 === 4 ? 0 : seen(0.5 + 1.5 * random()))),
    temperature: seen(temperature),
  };
}

/** Types of (tokens, weights, prototypes, temperature); `n` may be a symbol. */
export function problemTypes(n: number | string, count: number, m: number, dtype: FloatDType): TensorType[] {
  return [tensorType(dtype, [n, m]), tensorType(dtype, [n]), tensorType(dtype, [count, m]), tensorType(dtype, [])];
}

/** Values of (tokens, weights, prototypes, temperature). */
export function problemValues(problem: Problem, m: number, dtype: FloatDType): Value[] {
  const { tokens, weights, prototypes, temperature } = problem;
  const types = problemTypes(tokens.length, prototypes.length, m, dtype);
  return [tokens.flat(), weights, prototypes.flat(), [temperature]].map((data, index) => value(types[index]!, data));
}

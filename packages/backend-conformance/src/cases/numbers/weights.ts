import { segmentSum, trace, type Tensor } from '@ddcl/core';
import { tensorType, type FloatDType } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import type { Problem } from '../../oracle/ddcl.ts';
import { checkProgram } from '../../run/check.ts';
import { ddclComposites } from '../composites/ddcl.ts';
import { problemTypes, problemValues, randomProblem } from '../composites/problems.ts';
import type { Value } from '../../oracle/tensor.ts';
import { scattered, typeMaker, value } from '../data.ts';

const floats: readonly FloatDType[] = ['float32', 'float64'];
/** Those that sum over tokens with their weights. */
const weighted = Object.entries(ddclComposites).filter(([, { perToken }]) => perToken !== true);

const size = { n: 65, count: 4, m: 3, temperature: 2 };

/** Weights are counts as well as shares: a token that stands for a thousand. */
const sizesOfWeights = [600, 0.001, 3, 40];
const seen = (x: number, dtype: FloatDType): number => (dtype === 'float32' ? Math.fround(x) : x);

function paddedCases(dtype: FloatDType): ConformanceCase[] {
  return weighted.flatMap(([name, { body, expected, more, moreValues }]) => {
    const { n, count, m } = size;
    const types = [...problemTypes('n', count, m, dtype), ...(more?.('n', count, m, dtype) ?? [])];
    const program = trace(types, (...inputs) => body(inputs as Tensor[]), name);
    const drawn = randomProblem(size, { seed: 5, dtype });
    const moreOf = (): readonly Value[] => moreValues?.(n, count, m, dtype) ?? [];
    const padded: Problem = {
      ...drawn,
      weights: drawn.weights.map((weight, token) => (token % 3 === 1 || token > 59 ? 0 : weight)),
      // Whatever padding holds: zeros (its usual content) or numbers far out.
      tokens: drawn.tokens.map((row, token) =>
        token % 3 === 1 ? row.map(() => 0) : token > 59 ? row.map((x) => 100 * x) : row,
      ),
    };
    return [
      conformanceCase(
        'weights',
        'tokens of weight 0 count for nothing',
        (context) => {
          const kept = padded.tokens.flatMap((_, token) => (padded.weights[token] === 0 ? [] : [token]));
          const without: Problem = {
            ...padded,
            tokens: kept.map((token) => padded.tokens[token]!),
            weights: kept.map((token) => padded.weights[token]!),
          };
          const values = moreOf();
          const fewer = values.map((each) =>
            each.type.dtype === 'int32'
              ? value(
                  tensorType('int32', [kept.length]),
                  kept.map((token) => each.data[token]!),
                )
              : each,
          );
          return checkProgram(context, program, [...problemValues(padded, m, dtype), ...values], {
            expected: expected(without, fewer),
          });
        },
        { op: name, dtype },
      ),
      conformanceCase(
        'weights',
        'weights of 0 throughout give zeros',
        (context) => {
          const nothing: Problem = { ...drawn, weights: drawn.weights.map(() => 0) };
          return checkProgram(context, program, [...problemValues(nothing, m, dtype), ...moreOf()]);
        },
        { op: name, dtype },
      ),
    ];
  });
}

/** Ids that leave segments out: the first, one in the middle, the last, or all but one. */
const patterns: Readonly<Record<string, (n: number) => number[]>> = {
  'first segment': (n) => scattered(n, 4).map((id) => id + 1),
  'middle segments': (n) => scattered(n, 2).map((id) => 4 * id),
  'last segment': (n) => scattered(n, 4),
  'all segments but one': (n) => scattered(n, 1).map(() => 2),
};

function unlikeCases(dtype: FloatDType): ConformanceCase[] {
  const { count, m } = size;
  const n = 15;
  return Object.entries(ddclComposites).flatMap(([name, { body, more, moreValues, perToken }]) => {
    // Those with a row per token take no weights, but for the gradient of the loss.
    if (perToken === true && name !== 'ddcl.lossGradient/1') return [];
    const types = [...problemTypes('n', count, m, dtype), ...(more?.('n', count, m, dtype) ?? [])];
    return [
      conformanceCase(
        'weights',
        'weights of a thousandth to a thousand',
        (context) => {
          const program = trace(types, (...inputs) => body(inputs as Tensor[]), name);
          const drawn = randomProblem({ ...size, n }, { seed: 6, dtype });
          const weights = drawn.weights.map((weight, token) => seen(weight * sizesOfWeights[token % 4]!, dtype));
          const values = problemValues({ ...drawn, weights }, m, dtype);
          return checkProgram(context, program, [...values, ...(moreValues?.(n, count, m, dtype) ?? [])]);
        },
        { op: name, dtype },
      ),
    ];
  });
}

function segmentCases(dtype: FloatDType): ConformanceCase[] {
  const f = typeMaker(dtype);
  const program = trace(
    [f('n', 2), tensorType('int32', ['n'])],
    (x, ids) => [segmentSum(x, ids, { segments: 5 })],
    'segmentSum',
  );
  return Object.entries(patterns).flatMap(([name, idsOf]) =>
    [1, 65].map((n) =>
      conformanceCase(
        'weights',
        `empty: ${name}, n = ${n}`,
        (context) => {
          const x = value(
            f(n, 2),
            Array.from({ length: 2 * n }, (_, index) => (index % 7) - 2.5),
          );
          return checkProgram(context, program, [x, value(tensorType('int32', [n]), idsOf(n))]);
        },
        { op: 'segmentSum', dtype },
      ),
    ),
  );
}

/** Masks are weights, and an empty segment is zeros. */
export function weightCases(): ConformanceCase[] {
  return floats.flatMap((dtype) => [...paddedCases(dtype), ...unlikeCases(dtype), ...segmentCases(dtype)]);
}

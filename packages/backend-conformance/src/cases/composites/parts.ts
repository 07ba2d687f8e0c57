import { add, grad, mul, segmentMass, segmentSums, sum, trace, type Tensor } from '@ddcl/core';
import { tensorType, type Program } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { checkProgram } from '../../run/check.ts';
import { value } from '../data.ts';
import { ddclComposites } from './ddcl.ts';
import { problemTypes, problemValues, randomProblem } from './problems.ts';

/** Where tiles come out even, and just beside: what is right at both 5 and 132 may be wrong at 128. */
const even = [64, 127, 128, 129, 256];

/** More prototypes than a tile, more numbers a token than a tile, more tokens than a few chunks; widths of each kind. */
const sizes: readonly (readonly [n: number, count: number, m: number, temperature: number])[] = [
  [40, 300, 2, 1],
  [20, 3, 132, 150],
  [1300, 2, 1, 1],
  ...even.map((m) => [5, 4, m, m] as const),
  ...even.map((count) => [5, count, 2, 1] as const),
];

/** Composites at sizes beyond those of every kernel's tiles. */
function wideCases(): ConformanceCase[] {
  return Object.entries(ddclComposites).flatMap(([name, { body, more, moreValues }]) =>
    sizes.map(([n, count, m, temperature]) =>
      conformanceCase(
        'large',
        `n = ${n}, K = ${count}, m = ${m}`,
        (context) => {
          const types = [...problemTypes(n, count, m, 'float32'), ...(more?.(n, count, m, 'float32') ?? [])];
          const program = trace(types, (...inputs) => body(inputs as Tensor[]), name);
          const drawn = randomProblem({ n, count, m, temperature }, { seed: n, dtype: 'float32' });
          // The first token is next to the last prototype: whoever forgets that one is found out.
          const near = drawn.prototypes.at(-1)!.map((x) => Math.fround(x + 1 / 128));
          const problem = { ...drawn, tokens: [near, ...drawn.tokens.slice(1)] };
          return checkProgram(context, program, [
            ...problemValues(problem, m, 'float32'),
            ...(moreValues?.(n, count, m, 'float32') ?? []),
          ]);
        },
        { op: name, dtype: 'float32' },
      ),
    ),
  );
}

const [n, count, m] = [9, 3, 2];
const dtype = 'float32';

/** Each result of a composite alone, and each gradient alone: a kernel may leave out what nobody asks for, and only that. */
function aloneCases(): ConformanceCase[] {
  return Object.entries(ddclComposites).flatMap(([name, { body, more, moreValues, differentiable, perToken }]) => {
    const types = [...problemTypes(n, count, m, dtype), ...(more?.(n, count, m, dtype) ?? [])];
    const problem = randomProblem({ n, count, m, temperature: 2 }, { seed: 3, dtype });
    const values = (): ReturnType<typeof problemValues> => [
      ...problemValues(problem, m, dtype),
      ...(moreValues?.(n, count, m, dtype) ?? []),
    ];
    const all = trace(types, (...inputs) => body(inputs as Tensor[]), name);
    const results = all.results.length;
    const single = (index: number): Program =>
      trace(types, (...inputs) => [body(inputs as Tensor[])[index]!], `${name}, result ${index}`);
    const derivative = (operand: number): Program =>
      trace(
        types,
        (...inputs) => {
          const given = inputs as Tensor[];
          const outputs = body(given);
          const totals = (differentiable ?? outputs.map((_, index) => index)).map((index) =>
            sum(mul(outputs[index]!, outputs[index]!)),
          );
          return grad(
            totals.reduce((a, b) => add(a, b)),
            [given[operand]!],
          );
        },
        `${name}, gradient by operand ${operand}`,
      );
    // Weights where there are any, and no second derivatives: their sums cancel, and what is left shows little.
    const isFirst = !/Gradient\/|AndGradient|hessian|nearest/.test(name);
    const floats = types.flatMap((type, index) =>
      type.dtype === 'int32' || !isFirst || (perToken === true && index === 1) ? [] : [index],
    );
    return [
      ...(results > 1 ? Array.from({ length: results }, (_, index) => index) : []).map((index) =>
        conformanceCase(
          'composite',
          `result ${index} alone`,
          (context) => checkProgram(context, single(index), values()),
          { op: name, dtype },
        ),
      ),
      ...floats.map((operand) =>
        conformanceCase(
          'gradient',
          `by operand ${operand} alone`,
          (context) => checkProgram(context, derivative(operand), values()),
          { op: name, dtype },
        ),
      ),
    ];
  });
}

/** More segments than a byte counts; most of them are empty. */
function segmentCases(): ConformanceCase[] {
  const segments = 300;
  const ids = [299, 0, 256, 255, 299, 44, 1, 200, 43];
  const operands = ([tokens, weights, prototypes, temperature, id]: readonly Tensor[]): Parameters<
    typeof segmentSums
  >[0] => ({
    tokens: tokens!,
    weights: weights!,
    prototypes: prototypes!,
    temperature: temperature!,
    ids: id!,
  });
  const bodies: Readonly<Record<string, (x: readonly Tensor[]) => readonly Tensor[]>> = {
    'ddcl.segmentMass/1': (x) => [segmentMass(operands(x), segments)],
    'ddcl.segmentSums/1': (x) => {
      const { mass, sums } = segmentSums(operands(x), segments);
      return [mass, sums];
    },
  };
  const types = [...problemTypes(n, count, m, dtype), tensorType('int32', [n])];
  const problem = randomProblem({ n, count, m, temperature: 2 }, { seed: 4, dtype });
  return Object.entries(bodies).map(([name, body]) =>
    conformanceCase(
      'large',
      `${segments} segments`,
      (context) => {
        const program = trace(types, (...inputs) => [...body(inputs as Tensor[])], name);
        return checkProgram(context, program, [...problemValues(problem, m, dtype), value(types[4]!, ids)]);
      },
      { op: name, dtype },
    ),
  );
}

/** Composites at sizes beyond those of every kernel's tiles, and each of their results alone. */
export function compositePartCases(): ConformanceCase[] {
  return [...wideCases(), ...segmentCases(), ...aloneCases()];
}

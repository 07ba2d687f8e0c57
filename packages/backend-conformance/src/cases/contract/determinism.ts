import { exp, lossAndGradient, matmul, segmentSum, softmax, sum, trace } from '@ddcl/core';
import { tensorType, type Backend, type Program, type TypedArray } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import type { Value } from '../../oracle/tensor.ts';
import { evaluateOn } from '../../run/evaluate-on.ts';
import { require } from '../../run/failure.ts';
import { problemTypes } from '../composites/problems.ts';
import { randomValue, scattered, value } from '../data.ts';

const f = (...shape: number[]): ReturnType<typeof tensorType> => tensorType('float32', shape);

/** Where the order of additions could differ from run to run. */
const programs: readonly { readonly program: Program; readonly inputs: () => Value[] }[] = [
  {
    program: trace([f(65, 257), f(257, 33)], (a, b) => [matmul(a, b), sum(matmul(a, b))], 'matmul and sum'),
    inputs: () => [randomValue(f(65, 257), 1), randomValue(f(257, 33), 2)],
  },
  {
    program: trace([f(65, 257)], (x) => [sum(x), sum(x, [0]), softmax(x), exp(x)], 'reductions'),
    inputs: () => [randomValue(f(65, 257), 3)],
  },
  {
    program: trace(
      [f(257, 9), tensorType('int32', [257])],
      (x, ids) => [segmentSum(x, ids, { segments: 4 })],
      'segmentSum',
    ),
    inputs: () => [randomValue(f(257, 9), 4), value(tensorType('int32', [257]), scattered(257, 4))],
  },
  {
    program: trace(
      problemTypes(257, 5, 7, 'float32'),
      (tokens, weights, prototypes, temperature) => {
        const { lq, gradient } = lossAndGradient({
          tokens: tokens!,
          weights: weights!,
          prototypes: prototypes!,
          temperature: temperature!,
        });
        return [lq, gradient];
      },
      'ddcl.lossAndGradient/2',
    ),
    inputs: () => [randomValue(f(257, 7), 5), randomValue(f(257), 6, 0, 1), randomValue(f(5, 7), 7), value(f(), [2])],
  },
];

/** Bits, not values: 0 and -0 differ. */
function requireSameBits(what: string, first: readonly TypedArray[], other: readonly TypedArray[]): void {
  first.forEach((data, result) => {
    const at = data.findIndex((number: number, index: number) => !Object.is(number, other[result]![index]));
    require(at ===
      -1, `${what}: element ${at} of result ${result} is ${other[result]![at]} instead of ${data[at]}, although the backend says it is deterministic`);
  });
}

async function once(backend: Backend, program: Program, inputs: readonly Value[]): Promise<TypedArray[]> {
  const executable = await backend.compile(program);
  const results = await evaluateOn(backend, executable, inputs);
  executable.dispose();
  return results;
}

/** The same bits every time, if the backend claims it. */
export function determinismCases(): ConformanceCase[] {
  return programs.map(({ program, inputs }) =>
    conformanceCase(
      'determinism',
      `${program.name} gives the same bits every time`,
      async ({ backend, fresh }) => {
        const values = inputs();
        const executable = await backend.compile(program);
        const first = await evaluateOn(backend, executable, values);
        for (let run = 2; run <= 5; run++) {
          requireSameBits(`run ${run}`, first, await evaluateOn(backend, executable, values));
        }
        executable.dispose();
        requireSameBits('compiled again', first, await once(backend, program, values));
        requireSameBits('on another instance', first, await once(await fresh(), program, values));
      },
      { applies: ({ capabilities }) => capabilities.deterministic },
    ),
  );
}

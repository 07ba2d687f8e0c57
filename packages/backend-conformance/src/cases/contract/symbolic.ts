import { add, broadcastTo, matmul, mul, reshape, segmentSum, slice, softmax, sum, trace, transpose } from '@ddcl/core';
import { specialise, tensorType, type Program } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import type { Value } from '../../oracle/tensor.ts';
import { checkProgram, checkResults, expectedResults } from '../../run/check.ts';
import { describeCall } from '../../run/describe-call.ts';
import { evaluateOn } from '../../run/evaluate-on.ts';
import { randomValue, scattered, testSizes, value } from '../data.ts';

interface Symbolic {
  readonly program: Program;
  readonly inputs: (n: number) => Value[];
}

const f = (...shape: (number | string)[]): ReturnType<typeof tensorType> => tensorType('float32', shape);
const ids = (...shape: (number | string)[]): ReturnType<typeof tensorType> => tensorType('int32', shape);

/** Programs in which a symbol ends up in many places. */
const programs: readonly Symbolic[] = [
  {
    program: trace([f('n', 4), f(4)], (x, w) => [softmax(mul(x, w)), sum(x, [0]), transpose(x)], 'one symbol'),
    inputs: (n) => [randomValue(f(n, 4), 1), randomValue(f(4), 2)],
  },
  {
    program: trace(
      [f('n', 3), f('k', 3)],
      (x, y) => [matmul(x, y, { transposeB: true }), sum(x), sum(y, [0])],
      'two symbols',
    ),
    inputs: (n) => [randomValue(f(n, 3), 3), randomValue(f((n % 7) + 1, 3), 4)],
  },
  {
    program: trace(
      [f('n', 6)],
      (x) => {
        const cube = reshape(x, ['n', 2, 3]);
        return [
          sum(cube, [1]),
          add(broadcastTo(reshape(sum(x, [1]), ['n', 1]), ['n', 6]), x),
          slice(x, [0, 1], ['n', 2]),
        ];
      },
      'a symbol in shapes and sizes',
    ),
    inputs: (n) => [randomValue(f(n, 6), 5)],
  },
  {
    program: trace(
      [f('n', 2), ids('n'), f('s')],
      (x, id, perSegment) => [add(segmentSum(x, id, { segments: 's' }), reshape(perSegment, ['s', 1]))],
      'a symbol for segments',
    ),
    inputs: (n) => [randomValue(f(n, 2), 6), value(ids(n), scattered(n, 3)), randomValue(f(3 + (n % 3)), 7)],
  },
];

/** Up and down, so that neither what was larger nor what was smaller before shows through. */
const lengths = [3, 65, 1, 0, 257, 2, 64, 0, 63, 3];

const three: Program = trace(
  [f('a', 'b'), f('b', 'c')],
  (x, y) => [matmul(x, y), sum(x, [1]), reshape(y, ['c', 'b']), transpose(x)],
  'three symbols',
);

/** Whoever keeps plans by the digits, the product, the sum, the order or a part of the sizes, rounded or cut, takes one of these for another. */
const confusable: readonly (readonly [a: number, b: number, c: number])[] = [
  [2, 3, 4],
  [2, 3, 5],
  [3, 3, 4],
  [2, 2, 4],
  [4, 3, 2],
  [3, 2, 4],
  [2, 4, 3],
  [1, 11, 2],
  [11, 1, 2],
  [1, 1, 12],
  [11, 12, 1],
  [1, 2, 12],
  [6, 1, 4],
  [2, 12, 1],
  [1, 24, 1],
  [64, 3, 2],
  [63, 3, 2],
  [61, 3, 2],
  [2, 3, 1100],
  [2, 3, 1200],
  [2, 1200, 3],
  [2, 1100, 3],
  [257, 2, 3],
  [1, 2, 3],
  [2, 3, 4],
];

const wholeMatrix = (rows: number, columns: number): Value =>
  value(
    f(rows, columns),
    Array.from({ length: rows * columns }, (_, index) => ((index * 7) % 11) - 5),
  );

/** One compilation serves all lengths. */
export function symbolicCases(): ConformanceCase[] {
  return [
    ...programs.map(({ program, inputs }) =>
      conformanceCase('symbolic', `${program.name}, at many lengths in turn`, async (context) => {
        const { backend } = context;
        const executable = await backend.compile(program);
        let worst = 0;
        for (const n of lengths) {
          const values = inputs(n);
          const actual = await evaluateOn(backend, executable, values);
          worst = Math.max(
            worst,
            checkResults(
              `n = ${n}: ${describeCall(program, values)}`,
              actual,
              expectedResults(context, program, values),
            ),
          );
        }
        executable.dispose();
        return worst;
      }),
    ),
    ...programs.map(({ program, inputs }) =>
      conformanceCase('symbolic', `${program.name}, specialised`, (context) => {
        const values = inputs(5);
        const sizes = { n: 5, k: 6, s: 5 };
        return checkProgram(context, specialise(program, sizes), values);
      }),
    ),
    conformanceCase('symbolic', 'more lengths than any cache holds', async (context) => {
      const { backend } = context;
      const { program, inputs } = programs[0]!;
      const executable = await backend.compile(program);
      let worst = 0;
      for (let n = 1; n <= 40; n++) {
        const values = inputs(n % 2 === 0 ? n : 41 - n);
        const actual = await evaluateOn(backend, executable, values);
        worst = Math.max(
          worst,
          checkResults(describeCall(program, values), actual, expectedResults(context, program, values)),
        );
      }
      executable.dispose();
      return worst;
    }),
    conformanceCase('symbolic', 'sizes that are easily taken for each other', async (context) => {
      const { backend } = context;
      const executable = await backend.compile(three);
      let worst = 0;
      for (const [a, b, c] of confusable) {
        const values = [wholeMatrix(a, b), wholeMatrix(b, c)];
        const actual = await evaluateOn(backend, executable, values);
        worst = Math.max(
          worst,
          checkResults(describeCall(three, values), actual, expectedResults(context, three, values)),
        );
      }
      executable.dispose();
      return worst;
    }),
    conformanceCase('symbolic', 'a program of known sizes beside its symbolic one', async (context) => {
      const { program, inputs } = programs[0]!;
      let worst = 0;
      for (const n of testSizes) {
        worst = Math.max(worst, await checkProgram(context, program, inputs(n)));
        worst = Math.max(worst, await checkProgram(context, specialise(program, { n }), inputs(n)));
      }
      return worst;
    }),
  ];
}

import { add, constant, matmul, mul, neg, reshape, segmentSum, sub, sum, trace, zerosLike } from '@ddcl/core';
import { tensorType, type DeviceBuffer, type Program } from '@ddcl/core/backend';
import type { Value } from '../../oracle/tensor.ts';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { checkProgram, checkResults, expectedResults } from '../../run/check.ts';
import type { CaseContext } from '../../run/context.ts';
import { describeCall } from '../../run/describe-call.ts';
import { evaluateOn } from '../../run/evaluate-on.ts';
import { require } from '../../run/failure.ts';
import { value } from '../data.ts';
import { requireMemory, three, upload } from './small-programs.ts';

const f = (...shape: (number | string)[]): ReturnType<typeof tensorType> => tensorType('float32', shape);

/** Two inputs of five whole numbers; what comes of them is exact. */
const mixed: Program = trace([f(5), f(5)], (x, y) => [sub(mul(x, x), y), sum(mul(x, y)), add(x, y)], 'mixed');

/** Pairs of inputs, each of which shares something with one before: an input, its ends, its sum, its elements in another order. */
const pairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [1, 2, 3, 4, 5],
    [7, 0, 1, 2, 9],
  ],
  [
    [1, 2, 3, 4, 5],
    [3, 1, 1, 2, 2],
  ],
  [
    [2, 4, 1, 0, 6],
    [3, 1, 1, 2, 2],
  ],
  [
    [2, 0, 1, 4, 6],
    [3, 2, 1, 1, 2],
  ],
  [
    [2, 1, 1, 3, 6],
    [3, 2, 0, 2, 2],
  ],
  [
    [6, 3, 1, 1, 2],
    [2, 2, 0, 2, 3],
  ],
  [
    [1, 2, 3, 4, 5],
    [7, 0, 1, 2, 9],
  ],
];

const valuesOf = (program: Program, data: readonly (readonly number[])[]): Value[] =>
  program.parameters.map((type, index) => value(type, data[index]!));

/** Every run computes: nothing is known from a run before, whatever it shares with this one. */
async function inTurn(context: CaseContext): Promise<number> {
  const { backend } = context;
  const executable = await backend.compile(mixed);
  let worst = 0;
  for (const pair of pairs) {
    const values = valuesOf(mixed, pair);
    const actual = await evaluateOn(backend, executable, values);
    worst = Math.max(worst, checkResults(describeCall(mixed, values), actual, expectedResults(context, mixed, values)));
  }
  executable.dispose();
  return worst;
}

/** The same, with the buffers of one input and all results alive throughout. */
async function withBuffersHeld(context: CaseContext): Promise<number> {
  const { backend } = context;
  const executable = await backend.compile(mixed);
  const before = backend.memory();
  const kept = upload(backend, ...pairs[0]![0]);
  const held: DeviceBuffer[] = [kept];
  const jobs: { values: Value[]; results: readonly DeviceBuffer[] }[] = [];
  for (const [, second] of pairs) {
    const y = upload(backend, ...second);
    const results = await executable.run([kept, y]);
    held.push(y, ...results);
    jobs.push({ values: valuesOf(mixed, [pairs[0]![0], second]), results });
  }
  require(new Set(held).size === held.length, 'a buffer was handed out twice');
  let worst = 0;
  for (const { values, results } of jobs) {
    const actual = await Promise.all(results.map((each) => backend.download(each)));
    worst = Math.max(worst, checkResults(describeCall(mixed, values), actual, expectedResults(context, mixed, values)));
  }
  for (const buffer of held) backend.free(buffer);
  executable.dispose();
  requireMemory('in the end', backend, before);
  return worst;
}

/** Nothing of these depends on an input, and yet each run has buffers of its own. */
const known: Program = trace(
  [three],
  (x) => [
    constant(x, 'float32', [3], [7, 8, 9]),
    zerosLike(x),
    constant(x, 'int32', [], [5]),
    neg(constant(x, 'float32', [2], [1, 2])),
  ],
  'constants',
);

async function constantsTwice({ backend }: CaseContext): Promise<void> {
  const executable = await backend.compile(known);
  const before = backend.memory();
  const x = upload(backend, 1, 2, 3);
  for (let run = 0; run < 3; run++) {
    const results = await executable.run([x]);
    const numbers = await Promise.all(results.map(async (each) => Array.from(await backend.download(each)).join()));
    require(numbers.join(';') ===
      '7,8,9;0,0,0;5;-1,-2', `run ${run + 1} of constants(f32[3]): expected 7,8,9;0,0,0;5;-1,-2, got ${numbers.join(';')}`);
    for (const each of results) backend.free(each);
  }
  backend.free(x);
  executable.dispose();
  requireMemory('in the end', backend, before);
}

/** Sums start at zero, in memory that others have used as well. */
const scattering: Program = trace(
  [f('n', 3), tensorType('int32', ['n'])],
  (x, ids) => [segmentSum(x, ids, { segments: 5 }), matmul(x, reshape(sum(x, [0]), [3, 1]))],
  'sums by segment',
);

async function sumsAgain(context: CaseContext): Promise<number> {
  let worst = 0;
  for (const [n, shift] of [
    [6, 0],
    [6, 0],
    [6, 1],
    [9, 2],
    [4, 0],
    [6, 3],
  ] as const) {
    const x = value(
      f(n, 3),
      Array.from({ length: 3 * n }, (_, index) => (index % 5) + shift),
    );
    const ids = value(
      tensorType('int32', [n]),
      Array.from({ length: n }, (_, index) => (index * (shift + 1)) % 4),
    );
    worst = Math.max(worst, await checkProgram(context, scattering, [x, ids]));
  }
  return worst;
}

/** A run depends on its inputs and on nothing else. */
export function repeatedRunCases(): ConformanceCase[] {
  return [
    conformanceCase('repeated', 'runs that share an input, its ends or its sum with the one before', inTurn),
    conformanceCase('repeated', 'runs whose inputs and results stay alive', withBuffersHeld),
    conformanceCase('repeated', 'constants are computed for each run', constantsTwice),
    conformanceCase('repeated', 'sums begin at zero each time', sumsAgain),
  ];
}

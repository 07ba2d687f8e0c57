import { add, gather, matmul, mul, segmentSum, trace } from '@ddcl/core';
import {
  allocate,
  elementCount,
  formatType,
  isDdclError,
  tensorType,
  type ConcreteType,
  type DType,
  type TypedArray,
} from '@ddcl/core/backend';
import type { Value } from '../../oracle/tensor.ts';
import { conformanceCase, type BackendFeatures, type ConformanceCase } from '../../run/case.ts';
import { checkProgram, expectError } from '../../run/check.ts';
import { describeCall } from '../../run/describe-call.ts';
import { fail, require } from '../../run/failure.ts';
import { patience, within } from '../../run/pause.ts';
import { value } from '../data.ts';
import { plus, requireMemory, requireNumbers, added, doubled, lengths, three, upload } from './small-programs.ts';

const lacksFloat64 = ({ capabilities }: BackendFeatures): boolean => !capabilities.dtypes.includes('float64');
const float64 = tensorType('float64', [3]) as ConcreteType;
const integers = tensorType('int32', [3]) as ConcreteType;

const arrays: readonly DType[] = ['float32', 'float64', 'int32', 'float16'];

/** Each dtype that programs take, given buffers and arrays of each other one. */
function otherDtypes(dtype: DType): ConformanceCase {
  const type = tensorType(dtype, [2, 3]) as ConcreteType;
  return conformanceCase(
    'errors',
    'buffers and arrays of other dtypes',
    async ({ backend }) => {
      const before = backend.memory();
      const executable = await backend.compile(trace([type], (x) => [x], 'taken'));
      for (const other of arrays) {
        if (other === dtype) continue;
        await expectError(`upload of an array for ${other} as ${formatType(type)}`, 'dtype', () =>
          backend.upload(type, allocate(other, 6)),
        );
        if (!backend.capabilities.dtypes.includes(other)) continue;
        const given = tensorType(other, [2, 3]) as ConcreteType;
        const buffer = backend.upload(given, allocate(other, 6));
        await expectError(`run with ${formatType(given)} for ${formatType(type)}`, 'dtype', () =>
          executable.run([buffer]),
        );
        backend.free(buffer);
      }
      executable.dispose();
      requireMemory('after the errors', backend, before);
    },
    { dtype },
  );
}

/** Shapes with as many elements as those that a program takes. */
const likeShapes: readonly (readonly [readonly (number | string)[], readonly number[]])[] = [
  [
    [2, 3],
    [3, 2],
  ],
  [[2, 3], [6]],
  [
    [2, 3],
    [2, 3, 1],
  ],
  [
    [2, 3],
    [1, 2, 3],
  ],
  [[], [1]],
  [[1], []],
  [[1, 1], [1]],
  [['n', 3], [6]],
  [
    ['n', 3],
    [3, 2],
  ],
  [
    ['n', 'n'],
    [2, 3],
  ],
];

function likeShape(expected: readonly (number | string)[], given: readonly number[]): ConformanceCase {
  return conformanceCase('errors', `a buffer <${given}> for <${expected}>`, async ({ backend }) => {
    const before = backend.memory();
    const type = tensorType('float32', given) as ConcreteType;
    const executable = await backend.compile(trace([tensorType('float32', expected)], (x) => [add(x, x)], 'shaped'));
    const buffer = backend.upload(type, allocate('float32', elementCount(given)));
    await expectError(`run with f32[${given}] for f32[${expected}]`, 'shape', () => executable.run([buffer]));
    backend.free(buffer);
    executable.dispose();
    requireMemory('after the error', backend, before);
  });
}

/** Numbers of rows that there are not: the run is refused or that result is anything, and nothing else is touched. */
function outOfRange(op: 'gather' | 'segmentSum', wrong: readonly number[]): ConformanceCase {
  const types = [tensorType('float32', ['n', 2]), tensorType('int32', ['n'])];
  const program = trace(
    types,
    (x, rows) => [mul(x, x), op === 'gather' ? gather(mul(x, 3), rows) : segmentSum(mul(x, 3), rows, { segments: 3 })],
    op,
  );
  return conformanceCase(
    'errors',
    `numbers of rows out of range: ${wrong}`,
    async (context) => {
      const { backend } = context;
      const data = value(tensorType('float32', [3, 2]), [1, 2, 3, 4, 5, 6]);
      const rowsOf = (numbers: readonly number[]): Value => value(tensorType('int32', [3]), numbers);
      const before = backend.memory();
      const executable = await context.compile(program);
      const [x, rows] = [backend.upload(data.type, data.data), backend.upload(rowsOf(wrong).type, rowsOf(wrong).data)];
      const outcome = await within(
        (async () => {
          const results = await executable.run([x, rows]);
          let squares: TypedArray;
          try {
            squares = await backend.download(results[0]!);
            await backend.download(results[1]!);
          } finally {
            for (const result of results) backend.free(result);
          }
          return Array.from(squares).join();
        })().catch((error: unknown) => error),
      );
      const what = `${describeCall(program, [data, rowsOf(wrong)])} with the rows ${wrong}`;
      if (outcome === undefined) fail(`${what}: neither a result nor an error within ${patience / 1000} seconds`);
      if (typeof outcome !== 'string')
        require(isDdclError(outcome), `${what}: a result or a DdclError was expected, but got ${String(outcome)}`);
      else require(outcome === '1,4,9,16,25,36', `${what}: result 0: expected 1,4,9,16,25,36, got ${outcome}`);
      await requireNumbers(`${what}: the input`, backend, x, [1, 2, 3, 4, 5, 6]);
      backend.free(x);
      backend.free(rows);
      requireMemory('after numbers out of range', backend, before);
      return checkProgram(context, program, [data, rowsOf([2, 0, 1])]);
    },
    { op },
  );
}

/** What does not fit is refused with a code, and nothing is broken or lost by it. */
export function errorCases(): ConformanceCase[] {
  return [
    conformanceCase('errors', 'a run with inputs that do not fit', async ({ backend }) => {
      const executable = await backend.compile(added);
      const before = backend.memory();
      const [x, short] = [upload(backend, 1, 2, 3), upload(backend, 1, 2)];
      const matrix = backend.upload(tensorType('float32', [1, 3]) as ConcreteType, Float32Array.of(1, 2, 3));
      const whole = backend.upload(integers, Int32Array.of(1, 2, 3));
      await expectError('run with f32[2] for f32[3]', 'shape', () => executable.run([x, short]));
      await expectError('run with f32[1,3] for f32[3]', 'shape', () => executable.run([x, matrix]));
      await expectError('run with i32[3] for f32[3]', 'dtype', () => executable.run([x, whole]));
      await expectError('run with one input for two', 'argument', () => executable.run([x]));
      await expectError('run with three inputs for two', 'argument', () => executable.run([x, x, x]));
      const [sum] = await executable.run([x, x]);
      await requireNumbers(`${describeCall(added)}: a run after the errors`, backend, sum, [2, 4, 6]);
      for (const buffer of [x, short, matrix, whole, sum!]) backend.free(buffer);
      executable.dispose();
      requireMemory('after the errors', backend, before);
    }),
    conformanceCase('errors', 'a symbol that would have two sizes', async ({ backend }) => {
      const executable = await backend.compile(lengths);
      const [x, y] = [upload(backend, 1, 2, 3), upload(backend, 1, 2)];
      await expectError('run with f32[3] and f32[2] for f32[n] and f32[n]', 'shape', () => executable.run([x, y]));
      backend.free(x);
      backend.free(y);
      executable.dispose();
    }),
    conformanceCase('errors', 'a length that does not fit a fixed size further on', async ({ backend }) => {
      const type = tensorType('float32', ['n', 3]);
      const program = trace([type, tensorType('float32', [3, 2])], (x, w) => [matmul(x, w)], 'projected');
      const executable = await backend.compile(program);
      const x = backend.upload(tensorType('float32', [2, 2]) as ConcreteType, new Float32Array(4));
      const w = backend.upload(tensorType('float32', [3, 2]) as ConcreteType, new Float32Array(6));
      await expectError('run with f32[2,2] for f32[n,3]', 'shape', () => executable.run([x, w]));
      backend.free(x);
      backend.free(w);
      executable.dispose();
    }),
    conformanceCase('errors', 'an upload that does not fit', async ({ backend }) => {
      const before = backend.memory();
      await expectError('upload of int32 data as f32[3]', 'dtype', () => backend.upload(three, Int32Array.of(1, 2, 3)));
      await expectError('upload of 2 elements as f32[3]', 'shape', () => backend.upload(three, Float32Array.of(1, 2)));
      await expectError('upload of 4 elements as f32[3]', 'shape', () => backend.upload(three, new Float32Array(4)));
      await expectError('upload as f32[-1]', 'shape', () =>
        backend.upload({ dtype: 'float32', shape: [-1] }, new Float32Array(0)),
      );
      await expectError('upload as f32[1.5]', 'shape', () =>
        backend.upload({ dtype: 'float32', shape: [1.5] }, new Float32Array(1)),
      );
      requireMemory('after the errors', backend, before);
    }),
    conformanceCase(
      'errors',
      'float64 where there is none',
      async ({ backend }) => {
        await expectError('upload of float64', 'unsupported', () => backend.upload(float64, new Float64Array(3)));
        const program = trace([float64], (x) => [add(x, x)], 'in float64');
        await expectError('compile of a float64 program', 'unsupported', () => backend.compile(program));
      },
      { applies: lacksFloat64 },
    ),
    ...arrays.map(otherDtypes),
    ...likeShapes.map(([expected, given]) => likeShape(expected, given)),
    ...(['gather', 'segmentSum'] as const).flatMap((op) => [
      outOfRange(op, [0, 7, 1]),
      outOfRange(op, [1, -1, 0]),
      outOfRange(op, [2147483647, -2147483648, 3]),
    ]),
    conformanceCase('errors', 'a length that did not fit may fit the next time', async (context) => {
      const { backend } = context;
      const executable = await backend.compile(lengths);
      const [x, y] = [upload(backend, 1, 2, 3), upload(backend, 4, 5)];
      for (const [a, b, expected] of [
        [x, x, [14]],
        [y, y, [41]],
      ] as const) {
        await expectError('run with f32[3] and f32[2] for f32[n] and f32[n]', 'shape', () => executable.run([x, y]));
        await expectError('run with f32[2] and f32[3] for f32[n] and f32[n]', 'shape', () => executable.run([y, x]));
        const [sum, rest] = await executable.run([a, b]);
        await requireNumbers(
          `${describeCall(lengths, [a, b])}: the sum of squares after the errors`,
          backend,
          sum,
          expected,
        );
        backend.free(sum!);
        backend.free(rest!);
      }
      backend.free(x);
      backend.free(y);
      executable.dispose();
    }),
    conformanceCase('errors', 'many failing runs leave nothing behind', async ({ backend }) => {
      const executable = await backend.compile(doubled);
      const before = backend.memory();
      const short = upload(backend, 1, 2);
      for (let run = 0; run < 50; run++) {
        await expectError('run with f32[2] for f32[3]', 'shape', () => executable.run([short]));
      }
      backend.free(short);
      const x = upload(backend, 1, 2, 3);
      requireMemory('after 50 failing runs', backend, plus(before, 1));
      backend.free(x);
      executable.dispose();
    }),
  ];
}

import { add, matmul, max, mul, neg, sub, sum, trace, type Tensor } from '@ddcl/core';
import { elementCount, tensorType, type ConcreteType, type Executable } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { checkResults, expectedResults } from '../../run/check.ts';
import { describeCall } from '../../run/describe-call.ts';
import type { CaseContext } from '../../run/context.ts';
import { evaluateOverlapping } from '../../run/overlapping.ts';
import { value } from '../data.ts';
import type { Value } from '../../oracle/tensor.ts';
import { doubled, lengths, requireMemory, requireNumbers, upload } from './small-programs.ts';

const interleaved = 32;

const projected = trace(
  [tensorType('float32', ['n', 8]), tensorType('float32', [5, 8])],
  (x, keys) => [max(matmul(x, keys, { transposeB: true }), [1]), sub(matmul(x, keys, { transposeB: true }), sum(x))],
  'projected',
);

function wholeValue(type: ConcreteType, shift: number): Value {
  return value(
    type,
    Array.from({ length: elementCount(type.shape) }, (_, index) => ((index * 5 + shift) % 13) - 6),
  );
}

/** Starts all runs before it waits for any, at different lengths, and checks each against its own oracle. */
async function overlap(context: CaseContext, executables: readonly Executable[]): Promise<number> {
  const jobs = Array.from({ length: interleaved }, (_, index) => {
    const executable = executables[index % executables.length]!;
    const n = [1, 3, 65, 64][Math.floor(index / 2) % 4]!;
    const inputs = executable.program.parameters.map((type, position) =>
      // Whole numbers, of which every sum is exact.
      wholeValue(
        { dtype: type.dtype, shape: type.shape.map((size) => (typeof size === 'string' ? n : size)) },
        index + 7 * position,
      ),
    );
    return { executable, inputs };
  });
  const before = context.backend.memory();
  const actual = await evaluateOverlapping(context.backend, jobs);
  requireMemory('after all runs', context.backend, before);
  return Math.max(
    ...jobs.map(({ executable: { program }, inputs }, index) =>
      checkResults(
        `run ${index} of ${describeCall(program, inputs)}`,
        actual[index]!,
        expectedResults(context, program, inputs),
      ),
    ),
  );
}

/** Runs may overlap: results do not depend on their interleaving. */
export function concurrencyCases(): ConformanceCase[] {
  return [
    conformanceCase('concurrency', `${interleaved} runs of one executable at once`, async (context) =>
      overlap(context, [await context.compile(projected)]),
    ),
    conformanceCase('concurrency', `${interleaved} runs of two executables at once`, async (context) =>
      overlap(context, [await context.compile(projected), await context.compile(lengths)]),
    ),
    conformanceCase('concurrency', 'two executables of one program at once', async (context) => {
      const executables = [await context.backend.compile(projected), await context.backend.compile(projected)];
      const worst = await overlap(context, executables);
      for (const executable of executables) executable.dispose();
      return worst;
    }),
    conformanceCase('concurrency', 'programs compiled while others run', async ({ backend, compile }) => {
      const executable = await compile(doubled);
      const before = backend.memory();
      const x = upload(backend, 1, 2, 3);
      const [[result], ...compiled] = await Promise.all([
        executable.run([x]),
        ...[1, 2, 3].map((size) =>
          backend.compile(trace([tensorType('float32', [size])], (y) => [sum(y)], 'compiled meanwhile')),
        ),
      ]);
      await requireNumbers(`${describeCall(doubled)}: the result`, backend, result, [2, 4, 6]);
      for (const each of compiled) each.dispose();
      backend.free(x);
      backend.free(result!);
      requireMemory('in the end', backend, before);
    }),
    conformanceCase('concurrency', 'programs compiled at once are each what they are', async ({ backend }) => {
      const before = backend.memory();
      const type = tensorType('float32', [3]);
      const bodies = [neg, (x: Tensor) => add(x, x), (x: Tensor) => mul(x, x), (x: Tensor) => sub(x, 1)];
      const executables = await Promise.all(
        bodies.map((body) => backend.compile(trace([type], (x) => [body(x)], 'at once'))),
      );
      const x = upload(backend, 1, 2, 3);
      const results = await Promise.all(executables.map((each) => each.run([x])));
      const expected = [
        [-1, -2, -3],
        [2, 4, 6],
        [1, 4, 9],
        [0, 1, 2],
      ];
      for (const [index, [result]] of results.entries()) {
        await requireNumbers(`at once(f32[3]), program ${index}`, backend, result, expected[index]!);
        backend.free(result!);
      }
      for (const each of executables) each.dispose();
      backend.free(x);
      requireMemory('in the end', backend, before);
    }),
    conformanceCase('concurrency', 'donated runs at once', async ({ backend, compile }) => {
      const executable = await compile(doubled);
      const before = backend.memory();
      const results = await Promise.all(
        Array.from({ length: interleaved }, (_, index) =>
          executable.run([upload(backend, index, index + 1, -index)], { donate: [0] }),
        ),
      );
      for (const [index, [result]] of results.entries()) {
        await requireNumbers(`${describeCall(doubled)}: run ${index}`, backend, result, [
          2 * index,
          2 * index + 2,
          -2 * index + 0,
        ]);
        backend.free(result!);
      }
      requireMemory('in the end', backend, before);
    }),
  ];
}

import { add, concat, matmul, sum, trace, type Tensor } from '@ddcl/core';
import { tensorType, type Capabilities, type ConcreteType } from '@ddcl/core/backend';
import { conformanceCase, type BackendFeatures, type ConformanceCase } from '../../run/case.ts';
import { expectError } from '../../run/check.ts';
import { describeCall } from '../../run/describe-call.ts';
import { requireMemory, requireNumbers, three, upload } from './small-programs.ts';

/** More operands than any kernel may bind on most GPUs. */
const many = 24;

/** Whether there is a size that is too large. */
export const hasLimit = ({ maxBufferBytes }: Capabilities): boolean => Number.isSafeInteger(maxBufferBytes);
const limited = ({ capabilities }: BackendFeatures): boolean => hasLimit(capabilities);

/** Rows and columns of a square of float32 that is just too large. */
export const tooWide = (maxBufferBytes: number): number => Math.ceil(Math.sqrt(maxBufferBytes / 4)) + 1;

/** What is too large is refused before anything is allocated; many operands are no reason to refuse. */
export function limitCases(): ConformanceCase[] {
  const oversize = (maxBufferBytes: number): ConcreteType =>
    tensorType('float32', [Math.floor(maxBufferBytes / 4) + 1]) as ConcreteType;
  return [
    conformanceCase(
      'limits',
      'an upload beyond maxBufferBytes',
      async ({ backend }) => {
        const type = oversize(backend.capabilities.maxBufferBytes);
        // The array is short: whoever looked at it first would complain about that.
        await expectError(`upload of ${type.shape[0]} numbers`, 'limit', () =>
          backend.upload(type, new Float32Array(1)),
        );
      },
      { applies: limited },
    ),
    conformanceCase(
      'limits',
      'a program with a parameter beyond maxBufferBytes',
      async ({ backend }) => {
        const program = trace([oversize(backend.capabilities.maxBufferBytes)], (x) => [sum(x)], 'too large');
        await expectError(`compile of ${describeCall(program)}`, 'limit', () => backend.compile(program));
      },
      { applies: limited },
    ),
    conformanceCase(
      'limits',
      'a program with an intermediate beyond maxBufferBytes',
      async ({ backend }) => {
        const n = tooWide(backend.capabilities.maxBufferBytes);
        const types = [tensorType('float32', [n, 1]), tensorType('float32', [1, n])] as const;
        const program = trace(types, (x, y) => [sum(matmul(x, y))], 'too wide');
        await expectError(`compile of ${describeCall(program)}`, 'limit', () => backend.compile(program));
      },
      { applies: limited },
    ),
    conformanceCase(
      'limits',
      'a length that makes an intermediate go beyond maxBufferBytes',
      async ({ backend }) => {
        const n = tooWide(backend.capabilities.maxBufferBytes);
        const program = trace(
          [tensorType('float32', ['n', 1]), tensorType('float32', [1, 'n'])],
          (x, y) => [sum(matmul(x, y))],
          'as wide as long',
        );
        const executable = await backend.compile(program);
        const before = backend.memory();
        const x = backend.upload(tensorType('float32', [n, 1]) as ConcreteType, new Float32Array(n));
        const y = backend.upload(tensorType('float32', [1, n]) as ConcreteType, new Float32Array(n));
        await expectError(describeCall(program, [x, y]), 'limit', () => executable.run([x, y]));
        backend.free(x);
        backend.free(y);
        executable.dispose();
        requireMemory(`after the error of ${program.name}(f32[${n},1], f32[1,${n}])`, backend, before);
      },
      { applies: (features) => limited(features) && tooWide(features.capabilities.maxBufferBytes) < 100_000 },
    ),
    conformanceCase('limits', `${many} operands at once`, async ({ backend }) => {
      const program = trace(
        Array.from({ length: many }, () => three),
        (...inputs: Tensor[]) => [inputs.reduce((total, input) => add(total, input)), concat(inputs, 0)],
        'many operands',
      );
      const executable = await backend.compile(program);
      const buffers = Array.from({ length: many }, (_, index) => upload(backend, index, 1, -index));
      const [total, all] = await executable.run(buffers);
      const sumOfIndices = (many * (many - 1)) / 2;
      await requireNumbers(`${describeCall(program)}: the sum`, backend, total, [sumOfIndices, many, -sumOfIndices]);
      const expected = buffers.flatMap((_, index) => [index, 1, -index]);
      await requireNumbers(
        `${describeCall(program)}: the concatenation`,
        backend,
        all,
        expected.map((x) => x + 0),
      );
      for (const buffer of [...buffers, total!, all!]) backend.free(buffer);
      executable.dispose();
    }),
    conformanceCase('limits', `${many} results at once`, async ({ backend }) => {
      const program = trace([three], (x) => Array.from({ length: many }, (_, index) => add(x, index)), 'many results');
      const executable = await backend.compile(program);
      const x = upload(backend, 1, 2, 3);
      const results = await executable.run([x]);
      for (const [index, result] of results.entries()) {
        await requireNumbers(`${describeCall(program)}: result ${index}`, backend, result, [
          1 + index,
          2 + index,
          3 + index,
        ]);
      }
      for (const buffer of [x, ...results]) backend.free(buffer);
      executable.dispose();
    }),
  ];
}

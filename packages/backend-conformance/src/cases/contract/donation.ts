import { add, cast, gather, matmul, mul, neg, sub, sum, trace, transpose, type Tensor } from '@ddcl/core';
import { byteLength, tensorType, type ConcreteType, type DType, type TensorType } from '@ddcl/core/backend';
import type { Value } from '../../oracle/tensor.ts';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { checkResults, expectedResults, expectError } from '../../run/check.ts';
import { describeCall } from '../../run/describe-call.ts';
import { value } from '../data.ts';
import { hasLimit, tooWide } from './limits.ts';
import { added, doubled, identity, plus, requireMemory, requireNumbers, three, upload } from './small-programs.ts';

interface Odd {
  readonly name: string;
  readonly types: readonly TensorType[];
  readonly body: (...x: Tensor[]) => readonly Tensor[];
  readonly inputs: readonly Value[];
  readonly dtype?: DType;
}

const f = (...shape: (number | string)[]): TensorType => tensorType('float32', shape);
const whole = (...shape: (number | string)[]): TensorType => tensorType('int32', shape);

/** Inputs that a backend may hold otherwise than a float32 [3] which is read once. */
const odd: readonly Odd[] = [
  {
    name: 'inputs of any length',
    types: [f('n'), f('n')],
    body: (x, y) => [sub(x!, y!), mul(x!, x!)],
    inputs: [value(f(4), [1, 2, 3, 4]), value(f(4), [5, 6, 7, 9])],
  },
  {
    name: 'inputs of any length that are empty',
    types: [f('n'), f('n')],
    body: (x, y) => [sub(x!, y!), sum(x!)],
    inputs: [value(f(0), []), value(f(0), [])],
  },
  {
    name: 'empty inputs',
    types: [f(0, 3), f(2)],
    body: (x, y) => [mul(x!, 2), neg(y!)],
    inputs: [value(f(0, 3), []), value(f(2), [1, 2])],
  },
  {
    name: 'whole numbers',
    types: [whole(3), whole(3)],
    body: (x, y) => [mul(x!, y!), sub(x!, y!)],
    inputs: [value(whole(3), [1, 2, 3]), value(whole(3), [4, 5, 7])],
  },
  {
    name: 'a scalar',
    types: [f(), f(3)],
    body: (x, y) => [mul(y!, x!)],
    inputs: [value(f(), [3]), value(f(3), [1, 2, 3])],
  },
  {
    name: 'a matrix that is transposed',
    types: [f(2, 3), f(3)],
    body: (x, y) => [transpose(x!), add(x!, y!)],
    inputs: [value(f(2, 3), [1, 2, 3, 4, 5, 6]), value(f(3), [1, 5, 9])],
  },
  {
    name: 'inputs that nothing reads',
    types: [f(3), f(2)],
    body: (_x, y) => [neg(y!)],
    inputs: [value(f(3), [1, 2, 3]), value(f(2), [1, 2])],
  },
  {
    name: 'inputs that are results',
    types: [f(3), f(2)],
    body: (x, y) => [x!, y!, x!],
    inputs: [value(f(3), [1, 2, 3]), value(f(2), [1, 2])],
  },
  {
    name: 'inputs that are read after the first result',
    types: [f(4), f(4)],
    body: (x, y) => [neg(x!), mul(x!, x!), add(x!, y!), sub(y!, x!)],
    inputs: [value(f(4), [1, 2, 3, 5]), value(f(4), [4, 0, 2, 9])],
  },
  {
    name: 'float64',
    dtype: 'float64',
    types: [tensorType('float64', [2])],
    body: (x) => [mul(x!, x!)],
    inputs: [value(tensorType('float64', [2]), [3, 4])],
  },
  {
    name: 'half precision',
    dtype: 'float16',
    types: [tensorType('float16', [3])],
    body: (x) => [cast(x!, 'float32')],
    inputs: [value(tensorType('float16', [3]), [1, 2, 0.5])],
  },
];

/** Donated buffers are consumed, whatever happens. */
export function donationCases(): ConformanceCase[] {
  return [
    conformanceCase('donation', 'a donated buffer is consumed, the others stay', async ({ backend, compile }) => {
      const executable = await compile(added);
      const before = backend.memory();
      const [x, y] = [upload(backend, 1, 2, 3), upload(backend, 4, 5, 6)];
      const [sum] = await executable.run([x, y], { donate: [0] });
      await requireNumbers(`${describeCall(added)}: the sum`, backend, sum, [5, 7, 9]);
      requireMemory(`${describeCall(added)}: after the run`, backend, plus(before, 2));
      await expectError(`${describeCall(added)}: download of the donated buffer`, 'disposed', () =>
        backend.download(x),
      );
      await expectError(`${describeCall(added)}: run with the donated buffer`, 'disposed', () =>
        executable.run([x, y]),
      );
      backend.free(x);
      await requireNumbers(`${describeCall(added)}: the other buffer`, backend, y, [4, 5, 6]);
      backend.free(y);
      backend.free(sum!);
      requireMemory(`${describeCall(added)}: in the end`, backend, before);
    }),
    conformanceCase('donation', 'a run that fails consumes too', async ({ backend, compile }) => {
      const executable = await compile(added);
      const before = backend.memory();
      const [x, short] = [upload(backend, 1, 2, 3), upload(backend, 1, 2)];
      await expectError(`${describeCall(added)}: run with f32[2] for f32[3]`, 'shape', () =>
        executable.run([x, short], { donate: [0, 1] }),
      );
      await expectError(`${describeCall(added)}: download of a donated buffer`, 'disposed', () => backend.download(x));
      await expectError(`${describeCall(added)}: download of a donated buffer`, 'disposed', () =>
        backend.download(short),
      );
      requireMemory(`${describeCall(added)}: after the failed run`, backend, before);
    }),
    conformanceCase('donation', 'the same buffer given twice, donated once', async ({ backend, compile }) => {
      const executable = await compile(added);
      const before = backend.memory();
      const x = upload(backend, 1, 2, 3);
      const [sum] = await executable.run([x, x], { donate: [1] });
      await requireNumbers(`${describeCall(added)}: the sum`, backend, sum, [2, 4, 6]);
      await expectError(`${describeCall(added)}: download of the donated buffer`, 'disposed', () =>
        backend.download(x),
      );
      backend.free(sum!);
      requireMemory(`${describeCall(added)}: in the end`, backend, before);
    }),
    conformanceCase('donation', 'the same buffer given twice, donated twice', async ({ backend, compile }) => {
      const executable = await compile(added);
      const before = backend.memory();
      const x = upload(backend, 1, 2, 3);
      const [sum] = await executable.run([x, x], { donate: [0, 1] });
      await requireNumbers(`${describeCall(added)}: the sum`, backend, sum, [2, 4, 6]);
      backend.free(sum!);
      requireMemory(`${describeCall(added)}: in the end`, backend, before);
    }),
    conformanceCase('donation', 'a donated buffer that is returned', async ({ backend, compile }) => {
      const executable = await compile(identity);
      const before = backend.memory();
      const x = upload(backend, 1, 2, 3);
      const [y] = await executable.run([x], { donate: [0] });
      await expectError(`${describeCall(identity)}: download of the donated buffer`, 'disposed', () =>
        backend.download(x),
      );
      const other = upload(backend, 9, 9, 9);
      await requireNumbers(`${describeCall(identity)}: the result`, backend, y, [1, 2, 3]);
      backend.free(other);
      backend.free(y!);
      requireMemory(`${describeCall(identity)}: in the end`, backend, before);
    }),
    conformanceCase('donation', 'a buffer that is returned twice and needed afterwards', async ({ backend }) => {
      const program = trace([three], (x) => [x, add(x, x), x], 'x, 2 x, x');
      const executable = await backend.compile(program);
      const before = backend.memory();
      const results = await executable.run([upload(backend, 1, 2, 3)], { donate: [0] });
      await requireNumbers(`${describeCall(program)}: result 0`, backend, results[0], [1, 2, 3]);
      backend.free(results[0]!);
      await requireNumbers(`${describeCall(program)}: result 1`, backend, results[1], [2, 4, 6]);
      await requireNumbers(`${describeCall(program)}: result 2`, backend, results[2], [1, 2, 3]);
      for (const result of results) backend.free(result);
      executable.dispose();
      requireMemory(`${describeCall(program)}: in the end`, backend, before);
    }),
    ...odd.map(({ name, types, body, inputs, dtype }) =>
      conformanceCase(
        'donation',
        name,
        async (context) => {
          const { backend } = context;
          const program = trace(types, (...x) => [...body(...(x as Tensor[]))], name);
          const executable = await backend.compile(program);
          const before = backend.memory();
          // Twice, with all inputs and with the first of them.
          for (const donate of [inputs.map((_, index) => index), [0]]) {
            const buffers = inputs.map((each) => backend.upload(each.type, each.data));
            const results = await executable.run(buffers, { donate });
            const what = `${describeCall(program, inputs)} that donates ${donate}`;
            const actual = await Promise.all(results.map((each) => backend.download(each)));
            checkResults(what, actual, expectedResults(context, program, inputs));
            for (const position of donate)
              await expectError(`${what}: download of input ${position}`, 'disposed', () =>
                backend.download(buffers[position]!),
              );
            const left = [...results, ...buffers.slice(donate.length)];
            requireMemory(`${what}: after the run`, backend, {
              buffers: before.buffers + left.length,
              bytes: before.bytes + left.reduce((total, each) => total + byteLength(each.type), 0),
            });
            for (const buffer of [...buffers, ...results]) backend.free(buffer);
            requireMemory(`${what}: in the end`, backend, before);
          }
          executable.dispose();
        },
        { ...(dtype && { dtype }) },
      ),
    ),
    conformanceCase(
      'donation',
      'a run that is too large consumes too',
      async ({ backend }) => {
        const n = tooWide(backend.capabilities.maxBufferBytes);
        const [column, row] = [
          tensorType('float32', [n, 1]) as ConcreteType,
          tensorType('float32', [1, n]) as ConcreteType,
        ];
        const program = trace(
          [tensorType('float32', ['n', 1]), tensorType('float32', [1, 'n'])],
          (x, y) => [sum(matmul(x, y))],
          'as wide as long',
        );
        const executable = await backend.compile(program);
        const before = backend.memory();
        const buffers = [column, row].map((type) => backend.upload(type, new Float32Array(n)));
        await expectError(describeCall(program, buffers), 'limit', () => executable.run(buffers, { donate: [0, 1] }));
        requireMemory('after the error', backend, before);
        executable.dispose();
      },
      { applies: ({ capabilities }) => hasLimit(capabilities) && tooWide(capabilities.maxBufferBytes) < 100_000 },
    ),
    conformanceCase('donation', 'an index out of range consumes too', async ({ backend }) => {
      const types = [tensorType('float32', [3]), tensorType('int32', [2])] as ConcreteType[];
      const executable = await backend.compile(trace(types, (x, rows) => [gather(mul(x, 2), rows)], 'gather'));
      const before = backend.memory();
      const buffers = [upload(backend, 1, 2, 3), backend.upload(types[1]!, Int32Array.of(0, 9))];
      // Whether it is refused is open; that the buffers end is not.
      const results = await executable.run(buffers, { donate: [0, 1] }).catch(() => []);
      await Promise.allSettled(results.map((each) => backend.download(each)));
      for (const result of results) backend.free(result);
      requireMemory('gather(f32[3], i32[2]): after a run with the index 9 of 3', backend, before);
      executable.dispose();
    }),
    conformanceCase('donation', 'a chain of a hundred donated runs', async ({ backend, compile }) => {
      const executable = await compile(doubled);
      const before = backend.memory();
      let x = upload(backend, 1, -1, 0);
      for (let run = 0; run < 100; run++) [x] = (await executable.run([x], { donate: [0] })) as [typeof x];
      await requireNumbers(`${describeCall(doubled)}: 2^100 x`, backend, x, [2 ** 100, -(2 ** 100), 0]);
      backend.free(x);
      requireMemory(`${describeCall(doubled)}: in the end`, backend, before);
    }),
    conformanceCase('donation', 'of an input that there is not', async ({ backend, compile }) => {
      const executable = await compile(doubled);
      const x = upload(backend, 1, 2, 3);
      await expectError(`${describeCall(doubled)}: run that donates input 1 of 1`, 'argument', () =>
        executable.run([x], { donate: [1] }),
      );
      backend.free(x);
    }),
    conformanceCase(
      'donation',
      "of another backend's buffer does not end it there",
      async ({ backend, compile, fresh }) => {
        const executable = await compile(doubled);
        const other = await fresh();
        const theirs = upload(other, 1, 2, 3);
        const before = backend.memory();
        await expectError(`${describeCall(doubled)}: run with a foreign buffer`, 'argument', () =>
          executable.run([theirs], { donate: [0] }),
        );
        await requireNumbers(`${describeCall(doubled)}: the foreign buffer`, other, theirs, [1, 2, 3]);
        requireMemory(`${describeCall(doubled)}: after the error`, backend, before);
      },
    ),
  ];
}

import { add, trace } from '@ddcl/core';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { expectError } from '../../run/check.ts';
import { added, doubled, identity, plus, requireMemory, requireNumbers, three, upload } from './small-programs.ts';

/** Donated buffers are consumed, whatever happens. */
export function donationCases(): ConformanceCase[] {
  return [
    conformanceCase('donation', 'a donated buffer is consumed, the others stay', async ({ backend, compile }) => {
      const executable = await compile(added);
      const before = backend.memory();
      const [x, y] = [upload(backend, 1, 2, 3), upload(backend, 4, 5, 6)];
      const [sum] = await executable.run([x, y], { donate: [0] });
      await requireNumbers('the sum', backend, sum, [5, 7, 9]);
      requireMemory('after the run', backend, plus(before, 2));
      await expectError('download of the donated buffer', 'disposed', () => backend.download(x));
      await expectError('run with the donated buffer', 'disposed', () => executable.run([x, y]));
      backend.free(x);
      await requireNumbers('the other buffer', backend, y, [4, 5, 6]);
      backend.free(y);
      backend.free(sum!);
      requireMemory('in the end', backend, before);
    }),
    conformanceCase('donation', 'a run that fails consumes too', async ({ backend, compile }) => {
      const executable = await compile(added);
      const before = backend.memory();
      const [x, short] = [upload(backend, 1, 2, 3), upload(backend, 1, 2)];
      await expectError('run with f32[2] for f32[3]', 'shape', () => executable.run([x, short], { donate: [0, 1] }));
      await expectError('download of a donated buffer', 'disposed', () => backend.download(x));
      await expectError('download of a donated buffer', 'disposed', () => backend.download(short));
      requireMemory('after the failed run', backend, before);
    }),
    conformanceCase('donation', 'the same buffer given twice, donated once', async ({ backend, compile }) => {
      const executable = await compile(added);
      const before = backend.memory();
      const x = upload(backend, 1, 2, 3);
      const [sum] = await executable.run([x, x], { donate: [1] });
      await requireNumbers('the sum', backend, sum, [2, 4, 6]);
      await expectError('download of the donated buffer', 'disposed', () => backend.download(x));
      backend.free(sum!);
      requireMemory('in the end', backend, before);
    }),
    conformanceCase('donation', 'the same buffer given twice, donated twice', async ({ backend, compile }) => {
      const executable = await compile(added);
      const before = backend.memory();
      const x = upload(backend, 1, 2, 3);
      const [sum] = await executable.run([x, x], { donate: [0, 1] });
      await requireNumbers('the sum', backend, sum, [2, 4, 6]);
      backend.free(sum!);
      requireMemory('in the end', backend, before);
    }),
    conformanceCase('donation', 'a donated buffer that is returned', async ({ backend, compile }) => {
      const executable = await compile(identity);
      const before = backend.memory();
      const x = upload(backend, 1, 2, 3);
      const [y] = await executable.run([x], { donate: [0] });
      await expectError('download of the donated buffer', 'disposed', () => backend.download(x));
      const other = upload(backend, 9, 9, 9);
      await requireNumbers('the result', backend, y, [1, 2, 3]);
      backend.free(other);
      backend.free(y!);
      requireMemory('in the end', backend, before);
    }),
    conformanceCase('donation', 'a buffer that is returned twice and needed afterwards', async ({ backend }) => {
      const program = trace([three], (x) => [x, add(x, x), x], 'x, 2 x, x');
      const executable = await backend.compile(program);
      const before = backend.memory();
      const results = await executable.run([upload(backend, 1, 2, 3)], { donate: [0] });
      await requireNumbers('result 0', backend, results[0], [1, 2, 3]);
      backend.free(results[0]!);
      await requireNumbers('result 1', backend, results[1], [2, 4, 6]);
      await requireNumbers('result 2', backend, results[2], [1, 2, 3]);
      for (const result of results) backend.free(result);
      executable.dispose();
      requireMemory('in the end', backend, before);
    }),
    conformanceCase('donation', 'a chain of a hundred donated runs', async ({ backend, compile }) => {
      const executable = await compile(doubled);
      const before = backend.memory();
      let x = upload(backend, 1, -1, 0);
      for (let run = 0; run < 100; run++) [x] = (await executable.run([x], { donate: [0] })) as [typeof x];
      await requireNumbers('2^100 x', backend, x, [2 ** 100, -(2 ** 100), 0]);
      backend.free(x);
      requireMemory('in the end', backend, before);
    }),
    conformanceCase('donation', 'of an input that there is not', async ({ backend, compile }) => {
      const executable = await compile(doubled);
      const x = upload(backend, 1, 2, 3);
      await expectError('run that donates input 1 of 1', 'argument', () => executable.run([x], { donate: [1] }));
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
        await expectError('run with a foreign buffer', 'argument', () => executable.run([theirs], { donate: [0] }));
        await requireNumbers('the foreign buffer', other, theirs, [1, 2, 3]);
        requireMemory('after the error', backend, before);
      },
    ),
  ];
}

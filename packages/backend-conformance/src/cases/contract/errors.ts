import { add, matmul, trace } from '@ddcl/core';
import { tensorType, type ConcreteType } from '@ddcl/core/backend';
import { conformanceCase, type BackendFeatures, type ConformanceCase } from '../../run/case.ts';
import { expectError } from '../../run/check.ts';
import { plus, requireMemory, requireNumbers, added, doubled, lengths, three, upload } from './small-programs.ts';

const lacksFloat64 = ({ capabilities }: BackendFeatures): boolean => !capabilities.dtypes.includes('float64');
const float64 = tensorType('float64', [3]) as ConcreteType;
const integers = tensorType('int32', [3]) as ConcreteType;

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
      await requireNumbers('a run after the errors', backend, sum, [2, 4, 6]);
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

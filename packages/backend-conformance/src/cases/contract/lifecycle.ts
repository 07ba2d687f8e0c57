import { add, trace } from '@ddcl/core';
import { tensorType, type Backend, type ConcreteType } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { expectError } from '../../run/check.ts';
import { require } from '../../run/failure.ts';
import { pause } from '../../run/pause.ts';

const type = tensorType('float32', [3]) as ConcreteType;
const data = Float32Array.of(1, 2, 3);
const doubled = trace([type], (x) => [add(x, x)], 'doubled');

function describeMemory(backend: Backend): string {
  const { buffers, bytes } = backend.memory();
  return `${buffers} buffers of ${bytes} bytes`;
}

/** A backend from its making to after its end. */
export function lifecycleCases(): ConformanceCase[] {
  return [
    conformanceCase(
      'lifecycle',
      'a new backend has the contract, a name and sound capabilities',
      async ({ backend }) => {
        const { capabilities } = backend;
        require(backend.contract === 1, `contract is ${String(backend.contract)} instead of 1`);
        require(typeof backend.name === 'string' && backend.name.length > 0, 'name is empty');
        for (const dtype of ['float32', 'int32'] as const) {
          require(capabilities.dtypes.includes(dtype), `capabilities.dtypes lacks ${dtype}, which every backend has`);
        }
        require(capabilities.maxBufferBytes > 0, `maxBufferBytes is ${capabilities.maxBufferBytes}`);
        require(capabilities.preferredElements >= 1 &&
          Number.isSafeInteger(
            capabilities.preferredElements,
          ), `preferredElements is ${capabilities.preferredElements}, no whole number >= 1`);
        require(capabilities.maxKernelInputs > 0, `maxKernelInputs is ${capabilities.maxKernelInputs}`);
        require(typeof capabilities.deterministic === 'boolean', 'capabilities.deterministic is no boolean');
        for (const name of capabilities.composites) {
          require(/^[\w.]+\/\d+$/.test(name), `the composite '${name}' has no version, such as softmax/1`);
        }
        require((backend.wrap === undefined) === (backend.unwrap === undefined), 'wrap and unwrap come together');
      },
    ),
    conformanceCase('lifecycle', 'a new backend holds nothing', async ({ fresh }) => {
      const backend = await fresh();
      require(backend.memory().buffers === 0 && backend.memory().bytes === 0, `it holds ${describeMemory(backend)}`);
    }),
    conformanceCase('lifecycle', 'dispose ends buffers and can be called twice', async ({ fresh }) => {
      const backend = await fresh();
      backend.upload(type, data);
      await (await backend.compile(doubled)).run([backend.upload(type, data)]);
      backend.dispose();
      require(backend.memory().buffers === 0 &&
        backend.memory().bytes === 0, `it still holds ${describeMemory(backend)}`);
      backend.dispose();
    }),
    conformanceCase(
      'lifecycle',
      'a disposed backend refuses everything but free, memory and dispose',
      async ({ fresh }) => {
        const backend = await fresh();
        const buffer = backend.upload(type, data);
        const executable = await backend.compile(doubled);
        backend.dispose();
        await expectError('upload after dispose', 'disposed', () => backend.upload(type, data));
        await expectError('download after dispose', 'disposed', () => backend.download(buffer));
        await expectError('compile after dispose', 'disposed', () => backend.compile(doubled));
        await expectError('run after dispose', 'disposed', () => executable.run([buffer]));
        backend.free(buffer);
        executable.dispose();
        require(backend.memory().buffers === 0, `it holds ${describeMemory(backend)}`);
      },
    ),
    conformanceCase('lifecycle', 'dispose does not resolve lost', async ({ fresh }) => {
      const backend = await fresh();
      backend.dispose();
      const lost = await Promise.race([backend.lost.then(() => true), pause(20).then(() => false)]);
      require(lost === false, 'lost resolved although nothing but dispose happened');
    }),
    conformanceCase(
      'lifecycle',
      'an executable can be disposed twice and refuses to run afterwards',
      async ({ backend }) => {
        const executable = await backend.compile(doubled);
        require(executable.program === doubled, 'executable.program is not the program that was compiled');
        const buffer = backend.upload(type, data);
        executable.dispose();
        executable.dispose();
        await expectError('run of a disposed executable', 'disposed', () => executable.run([buffer]));
        backend.free(buffer);
      },
    ),
    conformanceCase('lifecycle', 'results outlive the executable that made them', async ({ backend }) => {
      const executable = await backend.compile(doubled);
      const buffer = backend.upload(type, data);
      const [result] = await executable.run([buffer]);
      executable.dispose();
      const numbers = Array.from(await backend.download(result!));
      backend.free(buffer);
      backend.free(result!);
      require(numbers.join() === '2,4,6', `expected 2,4,6, got ${numbers.join()}`);
    }),
    conformanceCase(
      'lifecycle',
      'a program can be compiled again after its executable was disposed',
      async ({ backend }) => {
        const [square, scaled] = [
          tensorType('float32', [2, 2]) as ConcreteType,
          trace([tensorType('float32', ['n', 2])], (x) => [add(x, x), x], 'scaled'),
        ];
        for (let round = 0; round < 3; round++) {
          const executable = await backend.compile(scaled);
          const buffer = backend.upload(square, Float32Array.of(1, 2, 3, 4));
          const results = [...(await executable.run([buffer])), ...(await executable.run([buffer]))];
          executable.dispose();
          for (const [index, result] of results.entries()) {
            const numbers = Array.from(await backend.download(result)).join();
            const expected = index % 2 === 0 ? '2,4,6,8' : '1,2,3,4';
            require(numbers ===
              expected, `scaled(f32[2,2]), round ${round + 1}, result ${index}: expected ${expected}, got ${numbers}`);
          }
          for (const each of [buffer, ...results]) backend.free(each);
        }
      },
    ),
    conformanceCase('lifecycle', 'dispose gives back the tensors of the library', async ({ fresh, options }) => {
      const backend = await fresh();
      const before = options.nativeTensors?.(backend) ?? 0;
      const executable = await backend.compile(doubled);
      await executable.run([backend.upload(type, data)]);
      backend.upload(type, data);
      backend.dispose();
      const after = options.nativeTensors?.(backend) ?? 0;
      require(after <= before, `${after - before} tensors of the underlying library stay behind`);
    }),
    conformanceCase(
      'lifecycle',
      'disposing one executable of a program leaves another one running',
      async ({ backend }) => {
        const [first, second] = [await backend.compile(doubled), await backend.compile(doubled)];
        const buffer = backend.upload(type, data);
        first.dispose();
        const [result] = await second.run([buffer]);
        const numbers = Array.from(await backend.download(result!));
        second.dispose();
        backend.free(buffer);
        backend.free(result!);
        require(numbers.join() === '2,4,6', `expected 2,4,6, got ${numbers.join()}`);
      },
    ),
    conformanceCase('lifecycle', 'two backends live side by side', async ({ backend, fresh }) => {
      const other = await fresh();
      const [mine, theirs] = [backend.upload(type, data), other.upload(type, Float32Array.of(7, 8, 9))];
      other.free(theirs);
      other.dispose();
      const numbers = Array.from(await backend.download(mine));
      backend.free(mine);
      require(numbers.join() === '1,2,3', `expected 1,2,3, got ${numbers.join()}`);
    }),
  ];
}

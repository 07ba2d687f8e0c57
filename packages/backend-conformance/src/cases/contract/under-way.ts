import { add, mul, sum, trace } from '@ddcl/core';
import { isDdclError, tensorType, type ConcreteType } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { expectError } from '../../run/check.ts';
import { fail, require } from '../../run/failure.ts';
import { patience, within } from '../../run/pause.ts';
import { describeCall } from '../../run/describe-call.ts';
import { doubled, plus, requireMemory, requireNumbers, upload } from './small-programs.ts';

/** Enough for a device to be busy when the next call comes. */
const long = 1 << 16;

const lasting = trace([tensorType('float32', [long])], (x) => [add(x, sum(mul(x, x)))], 'lasting');

/** What `free` and `dispose` mean while a run or a download is under way. */
export function underWayCases(): ConformanceCase[] {
  return [
    conformanceCase('concurrency', 'inputs may be freed while a run uses them', async ({ backend, compile }) => {
      const executable = await compile(lasting);
      const before = backend.memory();
      const zeros = backend.upload(tensorType('float32', [long]) as ConcreteType, new Float32Array(long));
      const running = executable.run([zeros]);
      backend.free(zeros);
      // What comes in their place must not be what the run reads.
      const others = backend.upload(tensorType('float32', [long]) as ConcreteType, new Float32Array(long).fill(1));
      const [result] = await running;
      const numbers = await backend.download(result!);
      require(numbers.every((each) => each === 0), `a run on zeros gave ${numbers.find((each) => each !== 0)}`);
      backend.free(others);
      backend.free(result!);
      requireMemory('in the end', backend, before);
    }),
    conformanceCase(
      'concurrency',
      'a freed input counts no more, although a run uses it',
      async ({ backend, compile }) => {
        const executable = await compile(doubled);
        const before = backend.memory();
        const x = upload(backend, 1, 2, 3);
        const running = executable.run([x]);
        backend.free(x);
        await expectError('download of the freed input', 'disposed', () => backend.download(x));
        const [result] = await running;
        requireMemory('with the result', backend, plus(before, 1));
        await requireNumbers(`${describeCall(doubled)}: the result`, backend, result, [2, 4, 6]);
        backend.free(result!);
        requireMemory('in the end', backend, before);
      },
    ),
    conformanceCase('concurrency', 'a buffer may be freed while it is downloaded', async ({ backend }) => {
      const x = upload(backend, 1, 2, 3);
      const reading = backend.download(x);
      backend.free(x);
      const others = upload(backend, 9, 9, 9);
      const numbers = Array.from(await reading);
      backend.free(others);
      require(numbers.join() === '1,2,3', `expected 1,2,3, got ${numbers.join()}`);
    }),
    conformanceCase('concurrency', 'runs of an executable that is disposed meanwhile finish', async ({ backend }) => {
      const executable = await backend.compile(doubled);
      const x = upload(backend, 1, 2, 3);
      const running = [executable.run([x]), executable.run([x])];
      executable.dispose();
      for (const [result] of await Promise.all(running)) {
        await requireNumbers(`${describeCall(doubled)}: a run that was under way`, backend, result, [2, 4, 6]);
        backend.free(result!);
      }
      backend.free(x);
    }),
    conformanceCase('lifecycle', 'what is under way when a backend is disposed ends', async ({ fresh }) => {
      const backend = await fresh();
      const executable = await backend.compile(lasting);
      const x = backend.upload(tensorType('float32', [long]) as ConcreteType, new Float32Array(long));
      const underWay = [executable.run([x]), backend.download(x), executable.run([x])];
      backend.dispose();
      const ends = await within(Promise.allSettled<unknown>(underWay));
      if (ends === undefined) fail(`runs or downloads hang for ${patience / 1000} seconds after dispose`);
      for (const end of ends) {
        if (end.status === 'fulfilled') continue;
        require(isDdclError(
          end.reason,
          'disposed',
        ), `a result or an error with code 'disposed' was expected, but got ${String(end.reason)}`);
      }
      require(backend.memory().buffers === 0, `it still holds ${backend.memory().buffers} buffers`);
    }),
  ];
}

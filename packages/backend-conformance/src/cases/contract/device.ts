import { formatType, isDdclError, sameType, tensorType, type ConcreteType } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { expectError } from '../../run/check.ts';
import { fail, require } from '../../run/failure.ts';
import { patience, within } from '../../run/pause.ts';
import { describeCall } from '../../run/describe-call.ts';
import { added, doubled, identity, plus, requireMemory, requireNumbers, three, upload } from './small-programs.ts';

const wraps = ({ wraps: has }: { readonly wraps: boolean }): boolean => has;

/** Tensors of the underlying library, borrowed and lent. */
export function wrapCases(): ConformanceCase[] {
  return [
    conformanceCase(
      'wrap',
      'a borrowed tensor can be computed with, and free only forgets it',
      async ({ backend }) => {
        const before = backend.memory();
        const owner = upload(backend, 1, 2, 3);
        const borrowed = backend.wrap!(backend.unwrap!(owner), three);
        require(borrowed !== owner, 'wrap gave back the owner');
        requireMemory('with a borrowed tensor', backend, plus(before, 2));
        const executable = await backend.compile(added);
        const [sum] = await executable.run([owner, borrowed]);
        await requireNumbers(`${describeCall(added)}: owner + borrowed`, backend, sum, [2, 4, 6]);
        backend.free(borrowed);
        backend.free(borrowed);
        await expectError('download of the forgotten buffer', 'disposed', () => backend.download(borrowed));
        const other = upload(backend, 9, 9, 9);
        await requireNumbers('the owner, after its borrower was freed', backend, owner, [1, 2, 3]);
        for (const buffer of [owner, sum!, other]) backend.free(buffer);
        executable.dispose();
        requireMemory('in the end', backend, before);
      },
      { applies: wraps },
    ),
    conformanceCase(
      'wrap',
      'a borrowed tensor that is donated is forgotten, not destroyed',
      async ({ backend }) => {
        const before = backend.memory();
        const executable = await backend.compile(doubled);
        const owner = upload(backend, 1, 2, 3);
        const borrowed = backend.wrap!(backend.unwrap!(owner), three);
        const [result] = await executable.run([borrowed], { donate: [0] });
        await expectError('download of the donated buffer', 'disposed', () => backend.download(borrowed));
        await requireNumbers(`${describeCall(doubled)}: the result`, backend, result, [2, 4, 6]);
        await requireNumbers('the owner, after its borrower was donated', backend, owner, [1, 2, 3]);
        backend.free(owner);
        backend.free(result!);
        executable.dispose();
        requireMemory('in the end', backend, before);
      },
      { applies: wraps },
    ),
    conformanceCase(
      'wrap',
      'a borrowed tensor that is returned is copied',
      async ({ backend }) => {
        const before = backend.memory();
        const executable = await backend.compile(identity);
        const owner = upload(backend, 1, 2, 3);
        const borrowed = backend.wrap!(backend.unwrap!(owner), three);
        const [result] = await executable.run([borrowed]);
        backend.free(borrowed);
        backend.free(result!);
        await requireNumbers('the owner, after its borrower was returned and freed', backend, owner, [1, 2, 3]);
        backend.free(owner);
        executable.dispose();
        requireMemory('in the end', backend, before);
      },
      { applies: wraps },
    ),
    conformanceCase(
      'wrap',
      'a borrowed tensor has the type that it was given',
      async ({ backend }) => {
        const type = tensorType('int32', [2, 2]) as ConcreteType;
        const owner = backend.upload(type, Int32Array.of(1, 2, 3, 16777217));
        const borrowed = backend.wrap!(backend.unwrap!(owner), type);
        require(sameType(
          borrowed.type,
          type,
        ), `a borrowed tensor has the type ${formatType(borrowed.type)} instead of ${formatType(type)}`);
        await requireNumbers('a borrowed i32[2,2]', backend, borrowed, [1, 2, 3, 16777217]);
        backend.free(borrowed);
        backend.free(owner);
      },
      { applies: wraps },
    ),
    conformanceCase(
      'wrap',
      'a result can be lent, and is still owned by its buffer',
      async ({ backend }) => {
        const before = backend.memory();
        const executable = await backend.compile(doubled);
        const x = upload(backend, 1, 2, 3);
        const [result] = await executable.run([x]);
        require(backend.unwrap!(result!) !== undefined, 'unwrap gave nothing');
        await requireNumbers(`${describeCall(doubled)}: a lent result`, backend, result, [2, 4, 6]);
        backend.free(x);
        backend.free(result!);
        executable.dispose();
        requireMemory('in the end', backend, before);
      },
      { applies: wraps },
    ),
    conformanceCase(
      'wrap',
      'a buffer that was freed, or is of another backend, is not lent',
      async ({ backend, fresh }) => {
        const x = upload(backend, 1, 2, 3);
        backend.free(x);
        await expectError('unwrap of a freed buffer', 'disposed', () => backend.unwrap!(x));
        const theirs = upload(await fresh(), 1, 2, 3);
        await expectError('unwrap of a foreign buffer', 'argument', () => backend.unwrap!(theirs));
      },
      { applies: wraps },
    ),
  ];
}

/** What happens when the device goes away. */
export function lossCases(): ConformanceCase[] {
  return [
    conformanceCase(
      'loss',
      'a lost device resolves lost, and everything but free, memory and dispose fails',
      async ({ fresh, options }) => {
        const backend = await fresh();
        const executable = await backend.compile(doubled);
        const [x, y] = [upload(backend, 1, 2, 3), upload(backend, 4, 5, 6)];
        await options.loseDevice!(backend);
        const lost = await within(backend.lost);
        if (lost === undefined) fail(`lost did not resolve within ${patience / 1000} seconds`);
        require(typeof lost.reason === 'string' && lost.reason.length > 0, 'lost resolves without a reason');
        await requireLost('a run', () => executable.run([x]));
        await requireLost('a run that donates', () => executable.run([y], { donate: [0] }));
        await requireLost('a download', () => backend.download(x));
        await requireLost('an upload', async () => backend.upload(three, Float32Array.of(1, 2, 3)));
        await requireLost('a compilation', () => backend.compile(added));
        backend.free(x);
        backend.free(x);
        backend.free(y);
        executable.dispose();
        requireMemory('with all freed', backend, { buffers: 0, bytes: 0 });
        backend.dispose();
        backend.dispose();
      },
      { applies: ({ losesDevice }) => losesDevice },
    ),
    conformanceCase(
      'loss',
      'what is under way when the device goes ends',
      async ({ fresh, options }) => {
        const backend = await fresh();
        const executable = await backend.compile(doubled);
        const x = upload(backend, 1, 2, 3);
        const underWay = [executable.run([x]), backend.download(x), backend.compile(added)];
        await options.loseDevice!(backend);
        const ends = await within(Promise.allSettled<unknown>(underWay));
        if (ends === undefined)
          fail(`a run, download or compilation hangs for ${patience / 1000} seconds on a lost device`);
        for (const end of ends) {
          if (end.status === 'fulfilled') continue;
          require(isDdclError(
            end.reason,
            'lost',
          ), `a result or an error with code 'lost' was expected, but got ${String(end.reason)}`);
        }
        backend.dispose();
      },
      { applies: ({ losesDevice }) => losesDevice },
    ),
  ];
}

/** Fails unless an action on a lost device rejects with the code `lost`, in reasonable time. */
async function requireLost(what: string, action: () => Promise<unknown>): Promise<void> {
  const outcome = await within(
    Promise.resolve()
      .then(action)
      .then(
        () => 'resolved',
        (error: unknown) => error,
      ),
  );
  require(outcome !== undefined, `${what} on a lost device hangs for ${patience / 1000} seconds`);
  require(outcome !== 'resolved', `${what} on a lost device resolved`);
  require(isDdclError(
    outcome,
    'lost',
  ), `${what} on a lost device: a DdclError with code 'lost' was expected, but got ${String(outcome)}`);
}

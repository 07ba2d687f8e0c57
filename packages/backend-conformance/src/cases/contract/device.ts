import { isDdclError } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { expectError } from '../../run/check.ts';
import { fail, require } from '../../run/failure.ts';
import { pause } from '../../run/pause.ts';
import { added, doubled, plus, requireMemory, requireNumbers, three, upload } from './small-programs.ts';

const wraps = ({ wraps: has }: { readonly wraps: boolean }): boolean => has;
/** A driver takes its time; more is a hang. */
const patience = 10_000;

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
        await requireNumbers('owner + borrowed', backend, sum, [2, 4, 6]);
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
      'a result can be lent, and is still owned by its buffer',
      async ({ backend }) => {
        const before = backend.memory();
        const executable = await backend.compile(doubled);
        const x = upload(backend, 1, 2, 3);
        const [result] = await executable.run([x]);
        require(backend.unwrap!(result!) !== undefined, 'unwrap gave nothing');
        await requireNumbers('a lent result', backend, result, [2, 4, 6]);
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
      'a lost device resolves lost, and runs reject',
      async ({ fresh, options }) => {
        const backend = await fresh();
        const executable = await backend.compile(doubled);
        const x = upload(backend, 1, 2, 3);
        await options.loseDevice!(backend);
        const lost = await Promise.race([backend.lost, pause(patience)]);
        if (lost === undefined) fail(`lost did not resolve within ${patience / 1000} seconds`);
        require(typeof lost.reason === 'string' && lost.reason.length > 0, 'lost resolves without a reason');
        const rejected = await Promise.race([
          executable.run([x]).then(
            () => 'resolved',
            (error: unknown) => error,
          ),
          pause(patience),
        ]);
        require(rejected !== undefined, `a run on a lost device hangs for ${patience / 1000} seconds`);
        require(rejected !== 'resolved', 'a run on a lost device resolved');
        require(isDdclError(
          rejected,
          'lost',
        ), `a DdclError with code 'lost' was expected, but got ${String(rejected)}`);
        backend.free(x);
        backend.dispose();
      },
      { applies: ({ losesDevice }) => losesDevice },
    ),
  ];
}

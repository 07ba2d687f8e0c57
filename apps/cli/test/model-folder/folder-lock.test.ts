import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isLockFile, lockFolder, requireUnlocked } from '../../src/model-folder/folder-lock.ts';
import { testFolder } from '../commands/support.ts';

const folder = testFolder();
const lockName = 'ddcl-1234-0123abcd.lock';
const locksIn = (name: string): string[] => readdirSync(folder.at(name)).filter(isLockFile);

/** A lock that was left there. */
function leave(name: string, content: object | string): void {
  folder.write(`${name}/${lockName}`, typeof content === 'string' ? content : JSON.stringify(content));
}

/** The number of a process that has ended. */
const ended = spawnSync(process.execPath, ['-e', '']).pid;
const since = '2020-01-01T00:00:00.000Z';
const other = { pid: process.pid, host: hostname(), mark: null, since };

describe('lockFolder', () => {
  it('lets one of many in that come at the same moment, and the next when that one is out', async () => {
    const come = (): Promise<PromiseSettledResult<() => Promise<void>>[]> =>
      Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder.at('many'))));
    for (let round = 0; round < 3; round++) {
      const came = await come();
      const [inside, ...more] = came.filter((one) => one.status === 'fulfilled');
      expect(more).toEqual([]);
      for (const one of came) {
        if (one.status === 'rejected') expect((one.reason as Error).message).toContain('is in use: process');
      }
      expect(locksIn('many')).toHaveLength(1);
      await inside!.value();
    }
  });

  it('makes the folder and those above it, and takes them away again if they are empty', async () => {
    await (
      await lockFolder(folder.at('a/b/c'))
    )();
    expect(existsSync(folder.at('a'))).toBe(false);
    const release = await lockFolder(folder.at('a/b/c'));
    writeFileSync(folder.at('a/b/notes.txt'), 'mine');
    await release();
    expect(readdirSync(folder.at('a/b'))).toEqual(['notes.txt']);
    await (
      await lockFolder(folder.at('a/b'))
    )();
    expect(readdirSync(folder.at('a/b'))).toEqual(['notes.txt']);
  });

  it.each([
    ['whose process is gone', { ...other, pid: ended }],
    // A later process has got its number.
    ['of an earlier process of the same number', { ...other, mark: 'another start 17' }],
    ['that was cut off', '{"pid": 12'],
    ['that is none', '[]'],
  ])('takes a folder over from a lock %s', async (_, content) => {
    leave('stale', content);
    const release = await lockFolder(folder.at('stale'));
    expect(existsSync(folder.at(`stale/${lockName}`))).toBe(false);
    await release();
  });

  it('is refused where a process runs, says which, and leaves its lock alone', async () => {
    leave('held', other);
    const message = new RegExp(`held is in use: process ${process.pid} on ${hostname()} works there since ${since}`);
    await expect(lockFolder(folder.at('held'))).rejects.toThrow(message);
    await expect(requireUnlocked(folder.at('held'))).rejects.toThrow('choose another --out');
    expect(locksIn('held')).toEqual([lockName]);
  });

  it('says what to remove where the process is on another machine, of which nothing is known', async () => {
    leave('far', { ...other, host: `not-${hostname()}`, pid: ended });
    await expect(lockFolder(folder.at('far'))).rejects.toThrow(
      `If that is over, remove ${join(folder.at('far'), lockName)}.`,
    );
  });
});

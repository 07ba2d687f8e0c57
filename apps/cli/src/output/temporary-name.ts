import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Tells machines that share a folder apart. */
const machine = createHash('sha256').update(hostname()).digest('hex').slice(0, 4);

/** What ends the name of a file, or a folder, that a process has not finished: whose it is, so that the next one can tell whether it is anyone's. */
export const temporaryMark = (): string => `${process.pid}.${machine}${randomBytes(2).toString('hex')}`;

/** A file that is being written ends so; see `writeWhole`. */
const ending = /\.(\d+)\.([0-9a-f]{4})[0-9a-f]{4}\.tmp$/;

/** The name that an unfinished file is to get; other names as they are. */
export const finalName = (name: string): string => name.replace(ending, '');

/** Whether a mark is that of a process of this machine that has ended. */
export function isAbandoned(pid: number, host: string): boolean {
  if (host !== machine) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Removes what processes that were killed while they wrote a file have left beside it. */
export async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(path);
  for (const name of await readdir(folder).catch(() => [])) {
    const [, pid, host] = ending.exec(name) ?? [];
    if (finalName(name) !== basename(path) || pid === undefined || !isAbandoned(Number(pid), host!)) continue;
    await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { usageError } from '../output/usage-error.ts';
import { writeWhole } from '../output/write-file.ts';

/** Who works in a folder. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Tells the process from a later one of the same number; null where the platform does not say. */
  readonly mark: string | null;
  /** When it came, as an ISO date. */
  readonly since: string;
}

interface FoundLock extends Holder {
  readonly name: string;
}

/** How long the elder of two that came together waits for the other to go. */
const patienceMilliseconds = 10_000;

export const isLockFile = (name: string): boolean => /^ddcl-\d+-[0-9a-f]{8}\.lock$/.test(name);

/**
 * Keeps other processes out of a folder, which is made if need be. Each that comes puts a file of its own name there and then looks for others: of two
 * that come together at least one sees the other, so that two never work there. The younger goes; the elder waits for that.
 * The files of processes that are gone, as after a crash or `kill -9`, are removed.
 *
 * @returns releases the folder, and removes it if it was made here and is empty
 * @throws DdclError `argument` if somebody works there; as the file system if nothing can be written
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const made = await mkdir(folder, { recursive: true });
  const name = `ddcl-${process.pid}-${randomBytes(4).toString('hex')}.lock`;
  const release = async (): Promise<void> => {
    await rm(join(folder, name), { force: true });
    if (made !== undefined) await removeEmpty(folder, made);
  };
  const own: FoundLock = { ...(await thisProcess()), name };
  const { name: _, ...content } = own;
  try {
    await writeWhole(join(folder, name), `${JSON.stringify(content)}\n`);
    const began = performance.now();
    for (;;) {
      const others = (await livingLocks(folder)).filter((lock) => lock.name !== name);
      if (others.length === 0) return release;
      const elder = others.find((lock) => isElder(lock, own));
      if (elder !== undefined || performance.now() - began > patienceMilliseconds)
        throw inUse(folder, elder ?? others[0]!);
      await wait(20);
    }
  } catch (error) {
    await release();
    throw error;
  }
}

/** @throws DdclError `argument` if somebody works in the folder */
export async function requireUnlocked(folder: string): Promise<void> {
  const [holder] = await livingLocks(folder);
  if (holder !== undefined) throw inUse(folder, holder);
}

function inUse(folder: string, { pid, host, since, name }: FoundLock): Error {
  const elsewhere = host === hostname() ? '' : ` If that is over, remove ${join(folder, name)}.`;
  return usageError(
    `${folder} is in use: process ${pid} on ${host} works there since ${since}. Wait for it, stop it, or choose another --out.${elsewhere}`,
  );
}

/** The same for all who compare, whatever their clocks say. */
const isElder = (one: FoundLock, other: FoundLock): boolean =>
  one.since === other.since ? one.name < other.name : one.since < other.since;

/** The locks of processes that run, as far as can be known; those of others are removed. */
async function livingLocks(folder: string): Promise<FoundLock[]> {
  const locks: FoundLock[] = [];
  for (const name of (await readdir(folder)).filter(isLockFile)) {
    const holder = await readLock(join(folder, name));
    if (holder === 'released') continue;
    if (holder !== undefined && !(await isGone(holder))) locks.push({ ...holder, name });
    // No name comes twice, so that nobody else's lock can be hit.
    else await rm(join(folder, name), { force: true });
  }
  return locks;
}

/** Undefined for what is no lock: each gets its name when it is whole, so only a crash of the machine leaves such. */
async function readLock(path: string): Promise<Holder | 'released' | undefined> {
  try {
    const { pid, host, mark, since } = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>;
    if (Number.isSafeInteger(pid) && pid! > 0 && typeof host === 'string' && typeof since === 'string')
      return { pid: pid!, host, mark: mark ?? null, since };
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'released' : undefined;
  }
}

async function thisProcess(): Promise<Holder> {
  const { pid } = process;
  return { pid, host: hostname(), mark: (await markOf(pid)) ?? null, since: new Date().toISOString() };
}

/** Whether a process has ended. Of another machine's nothing is known. */
async function isGone({ pid, host, mark }: Holder): Promise<boolean> {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, under another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  return mark !== null && mark !== (await markOf(pid));
}

/** When a process began, counted from which start of the machine; undefined where there is no /proc, and for one that has ended. */
async function markOf(pid: number): Promise<string | undefined> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    // The name in parentheses may hold anything; the state and, as 22nd field, the time follow it (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${boot.trim()} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** Removes a folder and those above it, up to the first that was made, as far as they are empty. */
async function removeEmpty(folder: string, first: string): Promise<void> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      await rmdir(path);
    } catch {
      return;
    }
    if (path === first || path === dirname(path)) return;
  }
}

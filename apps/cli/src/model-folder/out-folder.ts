import { mkdtemp, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { entryAt } from '../output/entry-at.ts';
import { finalName } from '../output/temporary-name.ts';
import { usageError } from '../output/usage-error.ts';
import { reasonOf } from '../output/write-file.ts';
import { isLockFile, lockFolder, requireUnlocked } from './folder-lock.ts';
import { modelFiles } from './model-folder.ts';

export interface OutFolderOptions {
  /** Whether files of an earlier run may be there. */
  readonly resume?: boolean;
  /** Whether a name is that of a file which a run that was killed may have left, for the message. */
  readonly isUnfinished?: (name: string) => boolean;
  /** Removes an earlier run, when nobody else can work in the folder; what it leaves of unfinished files may stay. */
  readonly clear?: () => Promise<void>;
}

/**
 * Makes sure before any work is done that a folder can take a command's files, and keeps other processes out of it.
 *
 * @returns releases it; a folder that was made here and is still empty goes away, so that a fit that is refused leaves nothing
 * @throws DdclError `argument` if the folder holds files without `resume`, is in use or a file, or cannot be made
 */
export async function openOutFolder(
  path: string,
  { resume = false, clear, isUnfinished = () => false }: OutFolderOptions = {},
): Promise<() => Promise<void>> {
  if (!resume && clear === undefined) await requireEmpty(path, isUnfinished, requireUnlocked);
  else await namesIn(path);
  try {
    await rmdir(await mkdtemp(join(await nearestExisting(path), '.ddcl-')));
  } catch (cause) {
    throw usageError(
      `The out folder ${path} cannot be written (${reasonOf(cause)}). Choose another with --out.`,
      cause,
    );
  }
  const release = await lockFolder(path);
  try {
    await clear?.();
    if (!resume) await requireEmpty(path, isUnfinished, undefined, clear && isUnfinished);
    await removeUnfinished(path);
    return release;
  } catch (error) {
    await release();
    throw error;
  }
}

/** What lies in a folder, but for locks; nothing where there is no folder. */
async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).filter((name) => !isLockFile(finalName(name)));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw usageError(
      `${path} cannot be used as the out folder (${reasonOf(cause)}). Choose another with --out.`,
      cause,
    );
  }
}

/**
 * @param before looks at a folder that is not empty first: that somebody works there says more
 * @param mayStay names that are no matter
 */
async function requireEmpty(
  path: string,
  isUnfinished: (name: string) => boolean,
  before?: (path: string) => Promise<void>,
  mayStay: (name: string) => boolean = () => false,
): Promise<void> {
  const names = (await namesIn(path)).filter((name) => !mayStay(finalName(name)));
  if (names.length === 0) return;
  await before?.(path);
  const remedy = names.includes(modelFiles.checkpoint)
    ? 'Go on with the interrupted fit by --resume, or choose another with --out.'
    : names.every((name) => isUnfinished(finalName(name)))
      ? 'Go on with the interrupted run by --resume, or choose another with --out.'
      : 'Choose another with --out, or empty it.';
  throw usageError(`The out folder ${path} is not empty. ${remedy}`);
}

/** Locks are written in an instant. */
const oldMilliseconds = 60_000;

/** Removes what a process that was killed while writing has left, but no lock that another one is writing. */
async function removeUnfinished(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (!name.endsWith('.tmp') || !isOwnFile(name)) continue;
    const file = join(path, name);
    const age = Date.now() - ((await entryAt(file))?.mtimeMs ?? 0);
    if (!isLockFile(finalName(name)) || age > oldMilliseconds) await rm(file, { force: true });
  }
}

/** Whether a fit writes files of this name, unfinished ones included. */
export function isOwnFile(name: string): boolean {
  const own = finalName(name);
  return isLockFile(own) || Object.values<string>(modelFiles).includes(own);
}

/** A folder that exists: the path itself or the nearest above it. */
async function nearestExisting(path: string): Promise<string> {
  const missing = await stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
  return missing && dirname(path) !== path ? nearestExisting(dirname(path)) : path;
}

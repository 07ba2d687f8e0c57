import { mkdtemp, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { usageError } from '../output/usage-error.ts';
import { reasonOf } from '../output/write-file.ts';
import { modelFiles } from './model-folder.ts';

/**
 * Makes sure that a folder can take a fit's files before any work is done. The folder itself is made with its first file, so
 * that a fit that is refused leaves nothing.
 *
 * @param resume whether files of an earlier run may be there
 * @throws DdclError `argument` if the folder holds files without `resume`, is a file, or cannot be made
 */
export async function prepareOutFolder(path: string, resume: boolean): Promise<void> {
  let names: string[] = [];
  try {
    names = await readdir(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw usageError(
        `${path} cannot be used as the out folder (${reasonOf(cause)}). Choose another with --out.`,
        cause,
      );
    }
  }
  if (names.length > 0 && !resume) {
    const remedy = names.includes(modelFiles.checkpoint)
      ? 'Go on with the interrupted fit by --resume, or choose another with --out.'
      : 'Choose another with --out, or empty it.';
    throw usageError(`The out folder ${path} is not empty. ${remedy}`);
  }
  try {
    await rmdir(await mkdtemp(join(await nearestExisting(path), '.ddcl-')));
  } catch (cause) {
    throw usageError(
      `The out folder ${path} cannot be written (${reasonOf(cause)}). Choose another with --out.`,
      cause,
    );
  }
  // What a process that was killed while writing has left.
  await Promise.all(
    names
      .filter((name) => isOwnFile(name) && name.endsWith('.tmp'))
      .map((name) => rm(join(path, name), { force: true })),
  );
}

/** Whether a fit writes files of this name, unfinished ones included. */
export function isOwnFile(name: string): boolean {
  return Object.values<string>(modelFiles).includes(name.replace(/\.\d+\.[0-9a-f]{8}\.tmp$/, ''));
}

/** A folder that exists: the path itself or the nearest above it. */
async function nearestExisting(path: string): Promise<string> {
  const missing = await stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
  return missing && dirname(path) !== path ? nearestExisting(dirname(path)) : path;
}

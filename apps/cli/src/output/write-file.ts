import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DdclError } from '@ddcl/core';

/** Writes a file whole or not at all: to a temporary file beside it, which is then renamed. Its folder is made if need be. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new DdclError('argument', `${path} cannot be written (${reasonOf(cause)}). Choose a folder that you may write to.`, { cause });
  }
}

/** The short reason behind a file system error, such as `EACCES: permission denied`. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(',')[0]!;
}

/**
 * Makes sure that a folder can take a fit's files before any work is done.
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
      throw new DdclError('argument', `${path} cannot be used as the out folder (${reasonOf(cause)}). Choose another with --out.`, { cause });
    }
  }
  if (names.length > 0 && !resume) {
    throw new DdclError('argument', `The out folder ${path} is not empty. Choose another with --out, remove it, or go on with an interrupted fit by --resume.`);
  }
  const made = await firstMissing(path);
  try {
    await mkdir(path, { recursive: true });
    const probe = join(path, `.${process.pid}.tmp`);
    await writeFile(probe, '');
    await rm(probe);
  } catch (cause) {
    if (made !== undefined) await rm(made, { recursive: true, force: true });
    throw new DdclError('argument', `The out folder ${path} cannot be written (${reasonOf(cause)}). Choose another with --out.`, { cause });
  }
  if (made !== undefined) await rm(made, { recursive: true, force: true });
}

/** The topmost folder of a path that does not exist yet, so that it can be removed again. */
async function firstMissing(path: string): Promise<string | undefined> {
  let missing: string | undefined;
  for (let current = path; ; current = dirname(current)) {
    const there = await readdir(current).then(() => true, (error: NodeJS.ErrnoException) => error.code !== 'ENOENT');
    if (there) return missing;
    missing = current;
    if (dirname(current) === current) return missing;
  }
}

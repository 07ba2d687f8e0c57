import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { usageError } from './usage-error.ts';
import { messageOf } from './message-of.ts';
import { readRegular } from './read-file.ts';
import { temporaryMark } from './temporary-name.ts';

/**
 * Writes a file whole or not at all: to a temporary file beside it, which is then renamed. Its folder is made if need be.
 *
 * @param content pieces may be used again once the next one is asked for
 * @throws DdclError `argument` if it cannot be written; whatever the content throws
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${temporaryMark()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw usageError(
      `${path} cannot be written (${reasonOf(cause)}). Choose a folder that you may write to and that has room.`,
      cause,
    );
  }
}

/**
 * A file's bytes, or undefined where there is none.
 *
 * @throws DdclError `argument` if it cannot be read, with a remedy
 */
export async function readIfThere(path: string, remedy: string): Promise<Buffer | undefined> {
  try {
    return await readRegular(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw usageError(`${path} cannot be read (${reasonOf(cause)}). ${remedy}`, cause);
  }
}

/** The short reason behind a file system error, such as `EACCES: permission denied`. */
export function reasonOf(error: unknown): string {
  const message = messageOf(error);
  return message.split(',')[0]!;
}

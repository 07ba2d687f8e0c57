import type { FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { argumentError, dataError, formatError } from './data-error.ts';
import type { ByteSource } from './npy-header.ts';
import { messageOf } from '../output/message-of.ts';
import { openAtOnce } from '../output/read-file.ts';

export interface OpenFile {
  /** Path as the user gave it, for messages. */
  readonly file: string;
  readonly handle: FileHandle;
  /** Bytes, >= 1. */
  readonly size: number;
  /** When it was last written, milliseconds; a change is noticed when it is read. Undefined for files that nobody else knows. */
  readonly changed?: number;
}

/**
 * Opens a file for reading.
 *
 * @throws DdclError `argument` when there is no such file or it may not be read or is a folder; `format` when it is empty
 */
export async function openFile(file: string): Promise<OpenFile> {
  let handle: FileHandle;
  try {
    handle = await openAtOnce(file);
  } catch (cause) {
    throw argumentError(file, openProblem(file, cause), cause);
  }
  try {
    const stat = await handle.stat();
    if (stat.isDirectory())
      throw argumentError(file, 'is a folder; expected a file. Name the files in it, for example with a wildcard.');
    if (!stat.isFile()) {
      throw argumentError(
        file,
        'is not a regular file (a pipe or device?); data are read several times. Save them to a file first.',
      );
    }
    if (stat.size === 0) throw formatError(file, 'is empty (0 bytes). Write it again.');
    return { file, handle, size: stat.size, changed: stat.mtimeMs };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function openProblem(file: string, cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return `there is no such file (looked for ${resolve(file)}). Check the path.`;
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user. Change its permissions.';
  if (code === 'EISDIR') return 'is a folder; expected a file. Name the files in it, for example with a wildcard.';
  if (code === 'EMFILE') return 'too many files are open at once. Join some of them into one.';
  return `cannot be opened (${messageOf(cause)}).`;
}

/**
 * Fills `target` from byte `position` on.
 *
 * @throws DdclError `format` when the file ends before that; `data` when it was written to since it was opened
 */
export async function readFully(
  { file, handle, size, changed }: OpenFile,
  target: Uint8Array,
  position: number,
): Promise<void> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, position + filled);
    if (bytesRead === 0) {
      throw formatError(
        file,
        `ends at byte ${position + filled}, but ${target.length - filled} more were expected; it is cut short or being written. Write it again.`,
      );
    }
    filled += bytesRead;
  }
  if (changed === undefined) return;
  const now = await handle.stat();
  if (now.mtimeMs !== changed || now.size !== size)
    throw dataError(
      file,
      'was written to while it was read, so that parts of it belong to different data. Run the command again when it is whole.',
    );
}

/** A file as whatever reads from anywhere takes it. */
export const bytesFrom = (source: OpenFile): ByteSource => ({
  file: source.file,
  size: source.size,
  read: (target, position) => readFully(source, target, position),
});

import type { FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { argumentError, changedError, formatError } from './data-error.ts';
import type { KnownFiles } from './known-files.ts';
import type { ByteSource } from './npy-header.ts';
import { changeOf, type FileState } from '../output/file-state.ts';
import { messageOf } from '../output/message-of.ts';
import { openAtOnce } from '../output/read-file.ts';

export interface OpenFile {
  /** Path as the user gave it, for messages. */
  readonly file: string;
  readonly handle: FileHandle;
  /** Bytes, >= 1. */
  readonly size: number;
  /** As it was opened. Undefined for files that nobody else knows. */
  readonly state?: FileState;
}

/**
 * Opens a file for reading.
 *
 * @param known where it may have been opened before, and must be as it was
 * @throws DdclError `argument` when there is no such file or it may not be read or is a folder; `format` when it is empty; `data` when it is
 *   not as it was
 */
export async function openFile(file: string, known?: KnownFiles): Promise<OpenFile> {
  let handle: FileHandle;
  try {
    handle = await openAtOnce(file);
  } catch (cause) {
    throw argumentError(file, openProblem(file, cause), cause);
  }
  try {
    const stat = await handle.stat({ bigint: true });
    if (stat.isDirectory())
      throw argumentError(file, 'is a folder; expected a file. Name the files in it, for example with a wildcard.');
    if (!stat.isFile()) {
      throw argumentError(
        file,
        'is not a regular file (a pipe or device?); data are read several times. Save them to a file first.',
      );
    }
    known?.checkFile(file, stat);
    if (stat.size === 0n) throw formatError(file, 'is empty (0 bytes). Write it again.');
    return { file, handle, size: Number(stat.size), state: stat };
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
 * Asked after bytes were read and before they are believed. A file that was replaced under its name is read on as it was.
 *
 * @throws DdclError `data` when the file was written to since it was opened
 */
export async function requireUnchanged({ file, handle, state }: OpenFile): Promise<void> {
  const change = state && changeOf(state, await handle.stat({ bigint: true }));
  if (change !== undefined) throw changedError(file, change);
}

/** What a step makes of a file, or why it fails, where the file is as it was; throws as {@link requireUnchanged} where not. */
export async function whileUnchanged<Result>(source: OpenFile, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } finally {
    // Takes the place of what the step throws: it would blame the bytes.
    await requireUnchanged(source);
  }
}

/**
 * Fills `target` from byte `position` on.
 *
 * @throws DdclError `format` when the file ends before that; `data` when it was written to since it was opened
 */
export function readFully(source: OpenFile, target: Uint8Array, position: number): Promise<void> {
  return whileUnchanged(source, () => fill(source, target, position));
}

async function fill({ file, handle }: OpenFile, target: Uint8Array, position: number): Promise<void> {
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
}

/** A file as whatever reads from anywhere takes it. */
export const bytesFrom = (source: OpenFile): ByteSource => ({
  file: source.file,
  size: source.size,
  read: (target, position) => readFully(source, target, position),
});

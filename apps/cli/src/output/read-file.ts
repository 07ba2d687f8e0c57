import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { changeOf } from './file-state.ts';

/** Opening a pipe waits for somebody to write, and cannot be called off, unless it is opened so. Windows has neither. */
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Opens what may be a pipe or a device for reading: returns at once. */
export const openAtOnce = (path: string): Promise<FileHandle> => open(path, flags);

/**
 * A regular file, opened for reading.
 *
 * @throws Error as the file system; one that says so for pipes and devices, which are read several times here
 */
export async function openRegular(path: string): Promise<FileHandle> {
  const handle = await openAtOnce(path);
  const stat = await handle.stat();
  if (stat.isFile()) return handle;
  await handle.close();
  if (stat.isDirectory()) throw Object.assign(new Error('EISDIR: it is a folder'), { code: 'EISDIR' });
  throw new Error('it is no regular file but a pipe or a device');
}

/** The bytes of a regular file; throws as {@link openRegular}, and where it is written to meanwhile. */
export async function readRegular(path: string): Promise<Buffer> {
  const handle = await openRegular(path);
  try {
    const before = await handle.stat({ bigint: true });
    const bytes = await handle.readFile();
    const change = changeOf(before, await handle.stat({ bigint: true }));
    if (change !== undefined) throw new Error(`it changed while it was read: ${change}`);
    return bytes;
  } finally {
    await handle.close();
  }
}

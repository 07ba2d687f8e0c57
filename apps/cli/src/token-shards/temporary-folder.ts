import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { usageError } from '../output/usage-error.ts';
import { reasonOf } from '../output/write-file.ts';

/** A folder that goes away with its content, at the latest when the process ends (unless it is killed). */
export interface TemporaryFolder {
  readonly path: string;
  /** May be called again. */
  remove(): Promise<void>;
}

/** @throws DdclError `argument` if there is no room for it */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  let path: string;
  try {
    path = await mkdtemp(join(tmpdir(), 'ddcl-tokens-'));
  } catch (cause) {
    throw usageError(
      `No temporary folder can be made in ${tmpdir()} (${reasonOf(cause)}). Set TMPDIR to a folder with room.`,
      cause,
    );
  }
  const onExit = (): void => rmSync(path, { recursive: true, force: true });
  process.on('exit', onExit);
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true });
      process.off('exit', onExit);
    },
  };
}

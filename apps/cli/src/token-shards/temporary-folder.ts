import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAbandoned, temporaryMark } from '../output/temporary-name.ts';
import { usageError } from '../output/usage-error.ts';
import { reasonOf } from '../output/write-file.ts';

/** A folder that goes away with its content, at the latest when the process ends; what is left of one that was killed, when the next needs one. */
export interface TemporaryFolder {
  readonly path: string;
  /** May be called again. */
  remove(): Promise<void>;
}

/** @throws DdclError `argument` if there is no room for it */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  let path: string;
  await removeOthers();
  try {
    path = await mkdtemp(join(tmpdir(), `ddcl-tokens-${temporaryMark()}-`));
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

/** Removes the folders of processes that were killed. */
async function removeOthers(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const [, pid, host] = /^ddcl-tokens-(\d+)\.([0-9a-f]{4})[0-9a-f]{4}-/.exec(name) ?? [];
    if (pid !== undefined && isAbandoned(Number(pid), host!))
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

import { join } from 'node:path';
import { checkpointIdentity, fitDifferences, type FitIdentity } from '@ddcl/core/fit';
import type { ChosenBackend } from '../backends/choose-backend.ts';
import { optionOfBackend } from '../backends/backends.ts';
import { withFileName } from '../data/data-error.ts';
import { usageError } from '../output/usage-error.ts';
import { readIfThere } from '../output/write-file.ts';
import { modelFiles } from './model-folder.ts';

/**
 * @param what names the earlier fit in the message
 * @param chosen the backend now
 * @throws DdclError `argument` if an earlier fit had other options or data, naming those that differ
 */
export function requireSameFit(what: string, earlier: FitIdentity, now: FitIdentity, chosen: ChosenBackend): void {
  const differences = fitDifferences(earlier, now);
  if (differences === '') return;
  // The same command can take another backend where something was installed, or taken away, since.
  const { backend: was } = earlier;
  const other =
    chosen.isAuto && was !== undefined && was !== now['backend']
      ? ` --backend auto takes ${chosen.name} now${chosen.reason === undefined ? '' : ` (${chosen.reason})`}; name the earlier one: --backend ${optionOfBackend(was)}.`
      : '';
  throw usageError(
    `${what} belongs to another fit: ${differences}.${other} Give --resume with the same command and data, or choose another --out.`,
  );
}

/**
 * The checkpoint of a folder, or undefined where there is none.
 *
 * @throws DdclError `argument` if it belongs to another fit or cannot be read; `format` if it is damaged
 */
export async function readCheckpoint(
  folder: string,
  identity: FitIdentity,
  chosen: ChosenBackend,
): Promise<Uint8Array | undefined> {
  const path = join(folder, modelFiles.checkpoint);
  const remedy = 'Remove it to start the fit afresh.';
  const bytes = await readIfThere(path, remedy);
  if (bytes === undefined) return undefined;
  requireSameFit(
    path,
    withFileName(path, remedy, () => checkpointIdentity(bytes)),
    identity,
    chosen,
  );
  return bytes;
}

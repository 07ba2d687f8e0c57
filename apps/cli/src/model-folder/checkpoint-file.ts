import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DdclError } from '@ddcl/core';
import { readSafetensors, writeSafetensors } from '@ddcl/core/safetensors';
import { withFileName } from '../data/data-error.ts';
import { reasonOf, writeWhole } from '../output/write-file.ts';
import { requireSameFit, type FitIdentity } from './fit-identity.ts';
import { modelFiles } from './model-folder.ts';

/** Key of the metadata that holds the identity of the fit; core's own checkpoint knows nothing of files. */
const identityKey = 'command';

/** Writes a checkpoint of core together with the identity of the fit. */
export async function writeCheckpoint(folder: string, bytes: Uint8Array, identity: FitIdentity): Promise<void> {
  const { tensors, metadata } = readSafetensors(bytes);
  const marked = writeSafetensors(tensors, { ...metadata, [identityKey]: JSON.stringify(identity) });
  await writeWhole(join(folder, modelFiles.checkpoint), marked);
}

/**
 * The checkpoint of a folder, or undefined where there is none.
 *
 * @throws DdclError `argument` if it belongs to another fit or cannot be read; `format` if it is damaged
 */
export async function readCheckpoint(folder: string, identity: FitIdentity): Promise<Uint8Array | undefined> {
  const path = join(folder, modelFiles.checkpoint);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DdclError('argument', `${path} cannot be read (${reasonOf(cause)}). Remove it to start the fit afresh.`, {
      cause,
    });
  }
  const earlier = withFileName(path, 'Remove it to start the fit afresh.', () => readIdentity(bytes));
  requireSameFit(path, earlier, identity);
  return bytes;
}

function readIdentity(bytes: Uint8Array): FitIdentity {
  const { metadata } = readSafetensors(bytes);
  try {
    return JSON.parse(metadata[identityKey]!) as FitIdentity;
  } catch (cause) {
    throw new DdclError('format', 'It does not say to which fit it belongs.', { cause });
  }
}

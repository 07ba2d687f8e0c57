import { realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { DdclError } from '@ddcl/core';
import { readRegular } from '../output/read-file.ts';
import { usageError } from '../output/usage-error.ts';
import { reasonOf } from '../output/write-file.ts';

/** An encoder's `.onnx` with the files beside it that hold weights. */
export interface OnnxFile {
  readonly bytes: Uint8Array;
  readonly external: ReadonlyMap<string, Uint8Array>;
}

/**
 * @throws DdclError `argument` if the file cannot be read; `format` for one that is no model, and for weights that are missing or not in its folder
 */
export async function readOnnxFile(path: string): Promise<OnnxFile> {
  const bytes = await readRegular(path).catch((cause: unknown) => {
    throw usageError(`${path} cannot be read (${reasonOf(cause)}). Give the .onnx file of the encoder.`, cause);
  });
  const folder = await realpath(dirname(path));
  const { externalFiles } = await import('@ddcl/backend-ort');
  const external = new Map<string, Uint8Array>();
  for (const name of externalFiles(bytes)) external.set(name, await readBeside(folder, name));
  return { bytes, external };
}

/**
 * A file in the encoder's folder.
 * @throws DdclError `format` if it cannot be read, or is a link that leads out of the folder
 */
async function readBeside(folder: string, name: string): Promise<Uint8Array> {
  const path = join(folder, name);
  try {
    const real = await realpath(path);
    if (real.startsWith(folder + sep)) return await readRegular(real);
  } catch (cause) {
    throw new DdclError('format', `${path}, which holds weights of the encoder, cannot be read (${reasonOf(cause)}).`, {
      cause,
    });
  }
  throw new DdclError('format', `${path} leads out of the encoder's folder; only files inside it are read.`);
}

import { open, readFile, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { ExternalData, ReadExternal } from '@ddcl/backend-ort';
import { DdclError } from '@ddcl/core';
import { usageError } from '../output/usage-error.ts';
import { reasonOf } from '../output/write-file.ts';

/** An encoder's `.onnx` and how to read what lies beside it. */
export interface OnnxFile {
  readonly bytes: Uint8Array;
  readonly readExternal: ReadExternal;
}

/** @throws DdclError `argument` if the file cannot be read */
export async function openOnnxFile(path: string): Promise<OnnxFile> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw usageError(`${path} cannot be read (${reasonOf(cause)}). Give the .onnx file of the encoder.`, cause);
  });
  const folder = await realpath(dirname(path));
  return { bytes, readExternal: (data) => readPart(folder, data) };
}

/**
 * A part of a file in the encoder's folder.
 * @throws DdclError `format` if it is missing, or a link that leads out of the folder
 */
async function readPart(folder: string, { location, offset, length }: ExternalData): Promise<Uint8Array> {
  const path = join(folder, location);
  let real: string;
  try {
    real = await realpath(path);
  } catch (cause) {
    throw new DdclError('format', `${path}, which holds weights of the encoder, cannot be read (${reasonOf(cause)}).`, {
      cause,
    });
  }
  if (!real.startsWith(folder + sep))
    throw new DdclError('format', `${path} leads out of the encoder's folder; only files inside it are read.`);
  const file = await open(real);
  try {
    const { size } = await file.stat();
    // A file may claim any length; what is there decides how much memory is taken.
    const bytes = new Uint8Array(Math.max(0, Math.min(length ?? Infinity, size - offset)));
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  } finally {
    await file.close();
  }
}

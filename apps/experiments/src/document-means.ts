import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DdclError } from '@ddcl/core';
import { readSafetensors, safetensorsToFloat32 } from '@ddcl/core/safetensors';

/** One vector of length 1 per document, and its label. */
export interface DocumentMeans {
  /** [documents, dimension]; documents without tokens are left out. */
  readonly data: Float64Array;
  readonly dimension: number;
  readonly labels: readonly string[];
  readonly empty: number;
}

/**
 * Mean token vectors, normalized, of folders that `ddcl encode-tokens --labels` wrote.
 *
 * @throws DdclError `argument` for a folder without shards, `data` for shards without labels
 */
export async function readDocumentMeans(folders: readonly string[]): Promise<DocumentMeans> {
  const means: Float64Array[] = [];
  const labels: string[] = [];
  let empty = 0;
  let dimension = 0;
  for (const folder of folders) {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort();
    if (names.length === 0) {
      throw new DdclError('argument', `${folder} has no token shards. Make them: ddcl encode-tokens --out ${folder}.`);
    }
    for (const name of names) {
      const { tensors, metadata } = readSafetensors(await readFile(join(folder, name)));
      const numbers = tensors.get('labels')?.data as Int32Array | undefined;
      if (numbers === undefined) throw new DdclError('data', `${folder} has no labels. Encode with --labels.`);
      const labelNames = JSON.parse(metadata['labelNames'] ?? '[]') as string[];
      const tokens = safetensorsToFloat32(tensors.get('tokens')!);
      const offsets = tensors.get('offsets')!.data as BigInt64Array;
      dimension = tensors.get('tokens')!.shape[1]!;
      for (let document = 0; document + 1 < offsets.length; document++) {
        const mean = new Float64Array(dimension);
        for (let token = Number(offsets[document]); token < Number(offsets[document + 1]); token++)
          for (let axis = 0; axis < dimension; axis++) mean[axis]! += tokens[token * dimension + axis]!;
        const length = Math.sqrt(mean.reduce((sum, value) => sum + value * value, 0));
        if (length === 0) empty++;
        else {
          means.push(mean.map((value) => value / length));
          labels.push(labelNames[numbers[document]!]!);
        }
      }
    }
  }
  const data = new Float64Array(means.length * dimension);
  means.forEach((mean, row) => data.set(mean, row * dimension));
  return { data, dimension, labels, empty };
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DdclError } from '@ddcl/core';
import { readSafetensors, safetensorsToFloat32 } from '@ddcl/core/safetensors';
import { documentsFromArrays, type DocumentSource } from '@ddcl/hier';

/** Labelled documents with all their tokens. */
export interface LabelledDocuments {
  /** [tokens, dimension]. */
  readonly data: Float32Array;
  readonly dimension: number;
  readonly lengths: Int32Array;
  readonly labels: readonly string[];
}

/**
 * Folders that `ddcl encode-tokens --labels` wrote.
 *
 * @throws DdclError `argument` for a folder without shards, `data` for shards without labels
 */
export async function readLabelledDocuments(folder: string): Promise<LabelledDocuments> {
  const parts: Float32Array[] = [];
  const lengths: number[] = [];
  const labels: string[] = [];
  let dimension = 0;
  const names = (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort();
  if (names.length === 0)
    throw new DdclError('argument', `${folder} has no token shards. Make them: ddcl encode-tokens.`);
  for (const name of names) {
    const { tensors, metadata } = readSafetensors(await readFile(join(folder, name)));
    const numbers = tensors.get('labels')?.data as Int32Array | undefined;
    if (numbers === undefined) throw new DdclError('data', `${folder} has no labels. Encode with --labels.`);
    const labelNames = JSON.parse(metadata['labelNames'] ?? '[]') as string[];
    parts.push(safetensorsToFloat32(tensors.get('tokens')!));
    dimension = tensors.get('tokens')!.shape[1]!;
    const offsets = tensors.get('offsets')!.data as BigInt64Array;
    numbers.forEach((label, document) => {
      lengths.push(Number(offsets[document + 1]! - offsets[document]!));
      labels.push(labelNames[label]!);
    });
  }
  const data = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { data, dimension, lengths: Int32Array.from(lengths), labels };
}

/** Documents in another order. */
export function inOrder(
  { data, dimension, lengths, labels }: LabelledDocuments,
  order: ArrayLike<number>,
): LabelledDocuments {
  const starts = [0];
  for (const length of lengths) starts.push(starts.at(-1)! + length * dimension);
  const rows = Array.from(order, (document) => data.subarray(starts[document], starts[document + 1]));
  const moved = new Float32Array(rows.reduce((total, row) => total + row.length, 0));
  let at = 0;
  for (const row of rows) {
    moved.set(row, at);
    at += row.length;
  }
  return {
    data: moved,
    dimension,
    lengths: Int32Array.from(order, (document) => lengths[document]!),
    labels: Array.from(order, (document) => labels[document]!),
  };
}

/** One vector of length 1 for each document: the mean of its tokens. */
export function meanVectors({ data, dimension, lengths, labels }: LabelledDocuments): LabelledDocuments {
  const means = new Float32Array(lengths.length * dimension);
  let token = 0;
  lengths.forEach((length, document) => {
    const sum = new Float64Array(dimension);
    for (const end = token + length; token < end; token++)
      for (let axis = 0; axis < dimension; axis++) sum[axis]! += data[token * dimension + axis]!;
    const size = Math.hypot(...sum);
    for (let axis = 0; axis < dimension; axis++) means[document * dimension + axis] = size > 0 ? sum[axis]! / size : 0;
  });
  return { data: means, dimension, lengths: new Int32Array(lengths.length).fill(1), labels };
}

export const sourceOf = (documents: LabelledDocuments): DocumentSource =>
  documentsFromArrays({ data: documents.data, dimension: documents.dimension, lengths: documents.lengths });

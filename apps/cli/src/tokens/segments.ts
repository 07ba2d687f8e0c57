import { DdclError } from '@ddcl/core';
import type { EncodedRows } from '@ddcl/core/fit';
import { readNpy } from '../data/npy-reader.ts';

/**
 * Segments of tokens from an `.npy` file.
 *
 * @throws DdclError `shape` unless there is one per token; `data` for anything but whole numbers >= 0
 */
export async function readSegments(path: string, tokens: number): Promise<Int32Array> {
  const { shape, data } = await readNpy(path);
  if (shape.length !== 1 || data.length !== tokens) {
    throw new DdclError(
      'shape',
      `${path} has shape [${shape.join(', ')}]; expected one segment number per token, shape [${tokens}]. Give them in the order of the tokens.`,
    );
  }
  const ids = new Int32Array(data);
  const bad = ids.findIndex((id, index) => id !== data[index] || id < 0);
  if (bad >= 0)
    throw new DdclError(
      'data',
      `${path} holds ${data[bad]} for token ${bad} (counted from 0). Number the segments 0, 1, 2, ...`,
    );
  return ids;
}

/** Adds rows of zeros at the end: core knows no segments after the last one that has tokens. */
export async function* withEmptySegments(
  rows: AsyncIterable<EncodedRows>,
  [segments = 0, ...tail]: readonly number[],
): AsyncGenerator<EncodedRows> {
  let done = 0;
  for await (const block of rows) {
    yield block;
    done += block.rows;
  }
  const width = tail.reduce((product, size) => product * size, 1);
  for (; done < segments; done++) yield { data: new Float32Array(width), rows: 1, width };
}

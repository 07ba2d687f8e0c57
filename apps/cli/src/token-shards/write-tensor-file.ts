import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { DdclError } from '@ddcl/core';
import type { SafetensorsDType } from '@ddcl/core/safetensors';
import { bytesOf } from '../data/float-array.ts';
import { writeAll } from '../data/npy-writer.ts';
import { reasonOf } from '../output/write-file.ts';

/** A tensor to be written, in parts that lie one after another. */
export interface TensorPart {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Little-endian bytes of its elements; as many as dtype and shape say. */
  readonly data: ArrayBufferView;
}

/** Bytes written at once. */
const pieceBytes = 1 << 24;

/**
 * Writes a safetensors file without a copy of it in memory, whole or not at all: to a temporary file beside it, which is renamed. The
 * bytes are those of core's `writeSafetensors`, if the tensors come in its order: wide elements first, then by name.
 *
 * @param metadata texts by key
 * @throws DdclError `argument` if the file cannot be written
 */
export async function writeTensorFile(
  path: string,
  tensors: readonly TensorPart[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await writeAll(handle, headerBytes(tensors, metadata));
      for (const { data } of tensors) {
        const bytes = bytesOf(data);
        for (let start = 0; start < bytes.length; start += pieceBytes) {
          await writeAll(handle, bytes.subarray(start, start + pieceBytes));
        }
      }
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new DdclError('argument', `${path} cannot be written (${reasonOf(cause)}). Choose a folder with more room.`, {
      cause,
    });
  }
}

function headerBytes(tensors: readonly TensorPart[], metadata: Readonly<Record<string, string>>): Uint8Array {
  let end = 0;
  const header: Record<string, unknown> = {
    __metadata__: Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  for (const { name, dtype, shape, data } of tensors) {
    const begin = end;
    end += data.byteLength;
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

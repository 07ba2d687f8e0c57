import type { SafetensorsDType } from '@ddcl/core/safetensors';
import { bytesOf } from '../data/float-array.ts';
import { writeWhole } from '../output/write-file.ts';

/** A tensor to be written, in parts that lie one after another. */
export interface TensorPart {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Little-endian bytes of its elements; as many as dtype and shape say. */
  readonly data: ArrayBufferView;
}

/**
 * Writes a safetensors file without a copy of it in memory, whole or not at all. The bytes are those of core's `writeSafetensors`, if the
 * tensors come in its order: wide elements first, then by name.
 *
 * @param metadata texts by key
 * @throws DdclError `argument` if the file cannot be written
 */
export function writeTensorFile(
  path: string,
  tensors: readonly TensorPart[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  return writeWhole(path, [headerBytes(tensors, metadata), ...tensors.map(({ data }) => bytesOf(data))]);
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

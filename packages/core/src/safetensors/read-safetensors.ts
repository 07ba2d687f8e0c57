import { parseSafetensorsHeader, safetensorsHeaderLength, safetensorsPrefixLength } from './header.ts';
import type { SafetensorsEntry } from './header.ts';
import type { SafetensorsData, SafetensorsTensor } from './tensor.ts';

/** A whole safetensors file. */
export interface SafetensorsFile {
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a safetensors file from memory (format: huggingface.co/docs/safetensors). Strict, so that bytes from
 * anywhere are safe to pass: see {@link parseSafetensorsHeader}.
 *
 * Tensors are views of `bytes` where their address allows it and copies where not, so treat them as read-only and
 * `bytes` as theirs. The format is little-endian, and so are the hosts this is for.
 *
 * @throws DdclError `format` for anything that is not exactly as it must be.
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer): SafetensorsFile {
  const file = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  const headerLength = safetensorsHeaderLength(file, file.length);
  const headerBytes = file.subarray(safetensorsPrefixLength, safetensorsPrefixLength + headerLength);
  const { entries, metadata } = parseSafetensorsHeader(headerBytes, file.length);
  const tensors = new Map<string, SafetensorsTensor>();
  for (const [name, entry] of entries) {
    tensors.set(name, {
      dtype: entry.dtype,
      shape: entry.shape,
      data: viewSafetensor(file.subarray(entry.begin, entry.end), entry),
    });
  }
  return { tensors, metadata };
}

/**
 * The elements of one tensor from its bytes, for files that are streamed.
 *
 * @param bytes exactly the bytes of the entry. The result is a view of them where they are aligned, else of a copy.
 */
export function viewSafetensor(bytes: Uint8Array, entry: Pick<SafetensorsEntry, 'dtype'>): SafetensorsData {
  switch (entry.dtype) {
    case 'F64':
      return new Float64Array(...aligned(bytes, 8));
    case 'F32':
      return new Float32Array(...aligned(bytes, 4));
    case 'I32':
      return new Int32Array(...aligned(bytes, 4));
    case 'I64':
      return new BigInt64Array(...aligned(bytes, 8));
    case 'F16':
    case 'BF16':
      return new Uint16Array(...aligned(bytes, 2));
    default:
      return bytes;
  }
}

/** Arguments for a typed array over these bytes: buffer, offset, number of elements. */
function aligned(bytes: Uint8Array, width: number): [ArrayBufferLike, number, number] {
  // Not `slice`, which gives a view of a Node Buffer.
  const source = bytes.byteOffset % width === 0 ? bytes : Uint8Array.from(bytes);
  return [source.buffer, source.byteOffset, source.byteLength / width];
}

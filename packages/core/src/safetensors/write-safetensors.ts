import { DdclError } from '../errors/ddcl-error.ts';
import { byteCount, isSafetensorsDType, rankOf, type SafetensorsDType } from './dtypes.ts';
import { maxHeaderLength, safetensorsPrefixLength } from './header.ts';
import type { SafetensorsTensor } from './tensor.ts';
import { encodeUtf8, hasLoneSurrogate } from './text.ts';

/** Array that holds a dtype; the others are raw bytes. */
const arrayNames: Partial<Record<SafetensorsDType, string>> = {
  F64: 'Float64Array',
  F32: 'Float32Array',
  I32: 'Int32Array',
  I64: 'BigInt64Array',
  F16: 'Uint16Array',
  BF16: 'Uint16Array',
};

/**
 * Bytes of a safetensors file (format: huggingface.co/docs/safetensors), the same for the same content: metadata by
 * key, tensors from the widest dtype to the narrowest and then by name (UTF-16 code units), which is the order
 * of the reference implementation. The data starts at a multiple of 8 bytes and every tensor is aligned.
 *
 * @param tensors by name; `data` as {@link SafetensorsTensor} says for the dtype. Copied.
 * @param metadata texts by key.
 * @throws DdclError `argument` for names and metadata that the format has no room for, `dtype` when data is
 *   in another array than its dtype's, `shape` when it does not fill its shape, `limit` for a header over 16 MiB.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort(
    ([nameA, a], [nameB, b]) => rankOf(b.dtype) - rankOf(a.dtype) || (nameA < nameB ? -1 : 1),
  );
  const fields: string[] = [];
  const notes = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (notes.length > 0) {
    const texts = notes.map(([key, text]) => `${quote(key, 'metadata key')}:${quote(text, `metadata ${key}`)}`);
    fields.push(`"__metadata__":{${texts.join(',')}}`);
  }
  let dataLength = 0;
  for (const [name, tensor] of sorted) {
    if (name === '__metadata__')
      throw new DdclError('argument', 'A tensor cannot be named "__metadata__": the format needs it.');
    const bytes = checkTensor(name, tensor);
    const { dtype, shape } = tensor;
    const offsets = `${dataLength},${dataLength + bytes}`;
    fields.push(
      `${quote(name, 'tensor name')}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${offsets}]}`,
    );
    dataLength += bytes;
  }

  const json = encodeUtf8(`{${fields.join(',')}}`);
  const headerLength = Math.ceil(json.length / 8) * 8;
  if (headerLength > maxHeaderLength) {
    throw new DdclError(
      'limit',
      `A safetensors header has at most ${maxHeaderLength} bytes, but this one needs ${headerLength}.`,
    );
  }
  const file = new Uint8Array(safetensorsPrefixLength + headerLength + dataLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(0x20, safetensorsPrefixLength, safetensorsPrefixLength + headerLength);
  file.set(json, safetensorsPrefixLength);
  let position = safetensorsPrefixLength + headerLength;
  for (const [, { data }] of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return file;
}

/** A JSON string, after checking that it is a text the reader takes. */
function quote(text: unknown, what: string): string {
  if (typeof text !== 'string' || text === '__proto__' || hasLoneSurrogate(text)) {
    throw new DdclError(
      'argument',
      `A ${what} must be valid Unicode text other than "__proto__", but ${JSON.stringify(text)} came.`,
    );
  }
  return JSON.stringify(text);
}

function checkTensor(name: string, { dtype, shape, data }: SafetensorsTensor): number {
  const tensor = `Tensor ${JSON.stringify(name)}`;
  if (!isSafetensorsDType(dtype))
    throw new DdclError('dtype', `${tensor} has the dtype ${String(dtype)}, which safetensors lacks.`);
  const wanted = arrayNames[dtype] ?? 'Uint8Array';
  // By name, because arrays of another realm (a worker, an iframe) are as good.
  const actual: unknown = (data as { readonly [Symbol.toStringTag]?: unknown } | undefined)?.[Symbol.toStringTag];
  if (actual !== wanted)
    throw new DdclError('dtype', `${tensor} is ${dtype} and needs a ${wanted}, but ${String(actual)} came.`);
  const bytes = shape.every((size) => Number.isSafeInteger(size) && size >= 0) ? byteCount(dtype, shape) : undefined;
  if (bytes !== data.byteLength) {
    throw new DdclError(
      'shape',
      `${tensor}, ${dtype} [${shape.join(', ')}], does not fit the ${data.byteLength} bytes that came.`,
    );
  }
  return bytes;
}

import type { Random } from '@ddcl/core';
import { changeJson } from './mutate-json.ts';
import { changeText } from './mutate-text.ts';
import { oneIn, oneOf, type Mutation } from './mutation.ts';

/** The parts of a safetensors file, as far as it has them. */
export interface SafetensorsParts {
  readonly header: { [name: string]: unknown };
  readonly data: Uint8Array;
}

/** Undefined for what is none any more. */
export function safetensorsParts(bytes: Uint8Array): SafetensorsParts | undefined {
  if (bytes.length < 10) return undefined;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) return undefined;
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    if (typeof header !== 'object' || header === null) return undefined;
    return { header: header as SafetensorsParts['header'], data: bytes.subarray(8 + length) };
  } catch {
    return undefined;
  }
}

/** @param aligned whether spaces make the header's length a multiple of 8, as writers do and readers must not need */
export function safetensorsBytes({ header, data }: SafetensorsParts, aligned: boolean): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = aligned ? Math.ceil(json.length / 8) * 8 : json.length;
  const bytes = new Uint8Array(8 + length + data.length).fill(0x20, 8, 8 + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + length);
  return bytes;
}

const floats = [NaN, Infinity, -Infinity, -0, -1, 1e38, 1e-45, 3.4e38, 65_504, 1e300, 5e-324, -1e308];

function setFloat(data: Uint8Array, random: Random): Uint8Array {
  const made = data.slice();
  const width = oneOf([4, 8], random);
  if (made.length < width) return made;
  const at = width * random.integer(Math.floor(made.length / width));
  const view = new DataView(made.buffer);
  const value = oneOf(floats, random);
  if (width === 4) view.setFloat32(at, value, true);
  else view.setFloat64(at, value, true);
  return made;
}

/** One tensor says another dtype or shape of as many bytes. */
function reshape(header: SafetensorsParts['header'], random: Random): void {
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  if (names.length === 0) return;
  const entry = header[oneOf(names, random)] as { dtype?: unknown; shape?: unknown } | null;
  if (typeof entry !== 'object' || entry === null || !Array.isArray(entry.shape)) return;
  const twins: Readonly<Record<string, string>> = { F32: 'I32', F64: 'I64', I64: 'F64', I32: 'F32', F16: 'BF16' };
  if (random.integer(2) === 0)
    entry.shape = oneOf([[...entry.shape].reverse(), [...entry.shape, 1], entry.shape.flat()], random);
  else {
    const { dtype } = entry;
    entry.dtype = typeof dtype === 'string' && Object.hasOwn(twins, dtype) ? twins[dtype] : 'U8';
  }
}

/** Changes header, metadata or numbers and keeps the file whole, so that what reads it gets beyond its form. */
export const mutateSafetensors: Mutation = (bytes, random) => {
  const parts = safetensorsParts(bytes);
  if (parts === undefined) return bytes;
  let { header, data } = parts;
  const metadata = header['__metadata__'];
  switch (random.integer(5)) {
    case 0:
      header = changeJson(header as never, random) as never;
      break;
    case 1:
    case 2:
      if (typeof metadata === 'object' && metadata !== null)
        header = { ...header, __metadata__: changeJson(metadata as never, random, changeText) };
      break;
    case 3:
      data = setFloat(data, random);
      break;
    default:
      reshape(header, random);
  }
  return safetensorsBytes({ header, data }, !oneIn(4, random));
};

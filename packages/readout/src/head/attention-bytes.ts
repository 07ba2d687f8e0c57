import { DdclError } from '@ddcl/core';
import { readSafetensors, writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import type { AttentionPooling } from './attention-part.ts';

/** Version of the file of an attention pooling. A reader refuses others. */
export const attentionFormatVersion = 1;

/** Shapes of its tensors; those of a hidden layer that it lacks are left out. */
function shapesOf(dimension: number, heads: number, hidden: number): Record<string, readonly number[]> {
  const layer = hidden === 0 ? {} : { projection: [hidden, dimension], hiddenBias: [hidden] };
  return { queries: [heads, hidden === 0 ? dimension : hidden], offset: [dimension], ...layer };
}

/**
 * An attention pooling as a safetensors file: `queries`, `offset` and, with a hidden layer, `projection` and `hiddenBias`, all F64; in
 * the metadata `format` "ddcl.attention", `formatVersion`, `dimension`, `heads`, `hidden`, `dtype` and `scale`. Equal poolings give equal bytes.
 */
export function attentionToBytes(pooling: AttentionPooling): Uint8Array<ArrayBuffer> {
  const { dimension, heads, hidden, dtype, frame, queries, projection, hiddenBias } = pooling;
  const values: Record<string, Float64Array> = { queries, offset: frame.offset, projection, hiddenBias };
  const tensors = Object.entries(shapesOf(dimension, heads, hidden)).map(
    ([name, shape]): [string, SafetensorsTensor] => [name, { dtype: 'F64', shape: [...shape], data: values[name]! }],
  );
  const metadata: Record<string, string> = { format: 'ddcl.attention', formatVersion: String(attentionFormatVersion) };
  for (const [name, value] of Object.entries({ dimension, heads, hidden, dtype, scale: frame.scale })) {
    metadata[name] = String(value);
  }
  return writeSafetensors(new Map(tensors), metadata);
}

function malformed(detail: string): DdclError {
  return new DdclError(
    'format',
    `This is not an attention pooling of format version ${attentionFormatVersion}: ${detail}. Give bytes that attentionToBytes wrote.`,
  );
}

/** @throws DdclError `format` for bytes that are not an attention pooling of this version, naming what is wrong */
export function attentionFromBytes(bytes: Uint8Array | ArrayBuffer): AttentionPooling {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata['format'] !== 'ddcl.attention') throw malformed('its metadata has no "format": "ddcl.attention"');
  if (metadata['formatVersion'] !== String(attentionFormatVersion))
    throw malformed(`its formatVersion is ${metadata['formatVersion']}`);
  const whole = (name: string, least: number): number => {
    const value = Number(metadata[name] ?? NaN);
    if (!/^\d+$/.test(metadata[name] ?? '') || !Number.isSafeInteger(value) || value < least)
      throw malformed(`its ${name} is ${metadata[name]}`);
    return value;
  };
  const [dimension, heads, hidden] = [whole('dimension', 1), whole('heads', 1), whole('hidden', 0)];
  const { dtype } = metadata;
  const scale = Number(metadata['scale'] ?? NaN);
  if (dtype !== 'float32' && dtype !== 'float64') throw malformed(`its dtype is ${dtype}`);
  if (!(scale > 0 && scale < Infinity)) throw malformed(`its scale is ${metadata['scale']}`);
  const read = (name: string): Float64Array => {
    const shape = shapesOf(dimension, heads, hidden)[name];
    if (shape === undefined) return new Float64Array(0);
    const tensor = tensors.get(name);
    const fits = tensor?.data instanceof Float64Array && tensor.shape.join() === shape.join();
    if (!fits) throw malformed(`${name} is not F64 [${shape.join(', ')}]`);
    if (!tensor.data.every(Number.isFinite)) throw malformed(`a number of ${name} is not finite`);
    return Float64Array.from(tensor.data);
  };
  return {
    dimension,
    heads,
    hidden,
    dtype,
    frame: { offset: read('offset'), scale },
    queries: read('queries'),
    projection: read('projection'),
    hiddenBias: read('hiddenBias'),
  };
}

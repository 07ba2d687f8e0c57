import { DdclError } from '@ddcl/core';
import { readSafetensors, writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import { resolveSpec } from '../spec/resolve.ts';
import type { QuantizerSpec } from '../spec/spec.ts';
import { requireState, type QuantizerState } from './state.ts';
import { stateTensors } from './tensors.ts';

/** Version of the file of a state. A reader refuses others. */
export const quantizerFormatVersion = 1;

const format = 'ddcl.quantizer';

/**
 * A state as a safetensors file: its tensors under their names, and in the metadata `format` "ddcl.quantizer", `formatVersion`, and the `spec`
 * as JSON. Equal states give equal bytes.
 *
 * @throws DdclError as the state's check
 */
export function stateToBytes(state: QuantizerState): Uint8Array<ArrayBuffer> {
  const spec = requireState(state);
  const tensors = stateTensors(spec).map(({ name, shape }): [string, SafetensorsTensor] => [
    name,
    { dtype: 'F32', shape, data: state.tensors[name]! },
  ]);
  return writeSafetensors(new Map(tensors), {
    format,
    formatVersion: String(quantizerFormatVersion),
    spec: JSON.stringify(Object.fromEntries(Object.entries(state.spec).sort(([a], [b]) => (a < b ? -1 : 1)))),
  });
}

/** @throws DdclError `format` for bytes that are no state of this version, naming what is wrong */
export function stateFromBytes(bytes: Uint8Array | ArrayBuffer): QuantizerState {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata['format'] !== format) throw malformed(`its metadata has no "format": "${format}"`);
  if (metadata['formatVersion'] !== String(quantizerFormatVersion))
    throw malformed(`its formatVersion is ${metadata['formatVersion']}`);
  const spec = readSpec(metadata['spec'] ?? '');
  const wanted = stateTensors(resolveSpec(spec));
  const read = wanted.map(({ name, shape }): [string, Float32Array] => {
    const found = tensors.get(name);
    if (found?.data instanceof Float32Array && found.shape.join() === shape.join())
      return [name, Float32Array.from(found.data)];
    throw malformed(
      `${name} should be F32 [${shape.join(', ')}], but is ${found === undefined ? 'missing' : `${found.dtype} [${found.shape.join(', ')}]`}`,
    );
  });
  const stray = [...tensors.keys()].find((name) => !wanted.some((each) => each.name === name));
  if (stray !== undefined) throw malformed(`it has a tensor ${stray} that its kind has not`);
  const state = { spec, tensors: Object.fromEntries(read) };
  try {
    requireState(state);
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
  return state;
}

function readSpec(text: string): QuantizerSpec {
  try {
    const spec = JSON.parse(text) as QuantizerSpec;
    resolveSpec(spec);
    return spec;
  } catch (cause) {
    throw malformed(`its spec is none: ${(cause as Error).message}`, cause);
  }
}

function malformed(detail: string, cause?: unknown): DdclError {
  return new DdclError(
    'format',
    `This is not a quantiser of format version ${quantizerFormatVersion}: ${detail}. Give bytes that stateToBytes wrote.`,
    { cause },
  );
}

import { DdclError } from '@ddcl/core';
import { readSafetensors, writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import { requireBytes, withoutStop } from '../checks/require.ts';
import { resolveSpec } from '../spec/resolve.ts';
import type { QuantizerSpec } from '../spec/spec.ts';
import { requireState, type QuantizerState } from './state.ts';
import { stateTensors } from './tensors.ts';

/** Version of the file of a state. A reader refuses others. */
export const quantizerFormatVersion = 2;

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

/** @throws DdclError `format` for bytes that are no state of this version, naming what is wrong; `argument` for what are no bytes */
export function stateFromBytes(bytes: Uint8Array | ArrayBuffer): QuantizerState {
  const { tensors, metadata } = readSafetensors(requireBytes(bytes));
  if (metadata['format'] !== format) throw malformed(`its metadata has no "format": "${format}"`);
  if (metadata['formatVersion'] !== String(quantizerFormatVersion))
    throw malformed(`its formatVersion is ${metadata['formatVersion']}`);
  try {
    const spec = JSON.parse(metadata['spec'] ?? '') as QuantizerSpec;
    const wanted = stateTensors(resolveSpec(spec)).map(({ name, shape }) => [name, shape] as const);
    const state = { spec, tensors: readTensors(tensors, wanted) };
    requireState(state);
    return state;
  } catch (cause) {
    throw malformed(withoutStop(cause), cause);
  }
}

/** Copies of tensors by name, which must be all that there are. @throws DdclError `format` for others */
export function readTensors(
  tensors: ReturnType<typeof readSafetensors>['tensors'],
  wanted: readonly (readonly [name: string, shape: readonly number[]])[],
): Record<string, Float32Array> {
  const read = wanted.map(([name, shape]): [string, Float32Array] => {
    const found = tensors.get(name);
    if (found?.data instanceof Float32Array && found.shape.join() === shape.join())
      return [name, Float32Array.from(found.data)];
    const came = found === undefined ? 'missing' : `${found.dtype} [${found.shape.join(', ')}]`;
    throw new DdclError('format', `${name} should be F32 [${shape.join(', ')}], but is ${came}.`);
  });
  const names = new Set(wanted.map(([name]) => name));
  const stray = [...tensors.keys()].find((name) => !names.has(name));
  if (stray !== undefined) throw new DdclError('format', `it has a tensor ${stray} that its kind has not.`);
  return Object.fromEntries(read);
}

function malformed(detail: string, cause?: unknown): DdclError {
  return new DdclError(
    'format',
    `This is not a quantizer of format version ${quantizerFormatVersion}: ${detail}. Give bytes that stateToBytes wrote.`,
    { cause },
  );
}

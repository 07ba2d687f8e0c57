import { DdclError } from '@ddcl/core';
import { readSafetensors, writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import {
  describe,
  isFloat32Array,
  requireBytes,
  requireNumber,
  requireObject,
  requireWhole,
  withoutStop,
} from '../checks/require.ts';
import { createHash } from '../pack/hash.ts';
import { resolveSpec, type ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerSpec } from '../spec/spec.ts';
import { readTensors } from '../state/bytes.ts';
import { codebookChecksum } from '../state/checksum.ts';
import { requireState, type QuantizerState } from '../state/state.ts';
import { stateTensors } from '../state/tensors.ts';
import type { PixelScale } from './images.ts';
import { networkShapes, type NetworkSizes } from './network.ts';

/** A trained autoencoder for images, with codes between. Plain data. */
export interface Autoencoder {
  readonly sizes: NetworkSizes;
  readonly pixels: PixelScale;
  /** Layers of both networks by name, row-major. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly quantizer: QuantizerState;
}

/** Version of the file of an autoencoder. A reader refuses others. */
export const autoencoderFormatVersion = 2;

const format = 'ddcl.autoencoder';

/**
 * The spec of an autoencoder's quantizer, whose tensors are checked with the networks': the one place where an autoencoder is.
 *
 * @throws DdclError `argument` for what is none, or sizes that cannot be; `shape` or `data` for layers of other sizes, or numbers that are not finite
 */
export function requireAutoencoder(model: Autoencoder): ResolvedSpec {
  const made = 'what trainAutoencoder or autoencoderFromBytes makes, { sizes, pixels, weights, quantizer }';
  requireObject('The autoencoder', model, made);
  const { sizes, pixels, weights, quantizer } = model;
  requireObject("The autoencoder's sizes", sizes, 'an object { patch, context, channels, hidden, dimension }');
  requireObject("The autoencoder's pixels", pixels, 'an object { mean, deviation }');
  requireObject("The autoencoder's weights", weights, 'an object of Float32Arrays by name');
  for (const name of ['patch', 'context', 'channels', 'hidden', 'dimension'] as const)
    requireWhole(`The autoencoder's ${name}`, sizes[name], 1, 2 ** 31 - 1);
  requireNumber("The pixels' mean", pixels.mean, () => true, 'a finite number');
  requireNumber("The pixels' deviation", pixels.deviation, (value) => value > 0, 'a number > 0');
  const spec = requireState(quantizer);
  for (const [name, shape] of Object.entries(networkShapes(sizes))) {
    const count = shape.reduce((product, size) => product * size, 1);
    const found: unknown = weights[name];
    if (!isFloat32Array(found) || found.length !== count) {
      throw new DdclError(
        'shape',
        `The autoencoder needs '${name}' of shape [${shape.join(', ')}], a Float32Array of ${count} numbers, but has ${isFloat32Array(found) ? found.length : found === undefined ? 'none' : describe(found)}.`,
        { shapes: [shape] },
      );
    }
    const bad = found.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new DdclError('data', `The autoencoder's '${name}' must be finite, but number ${bad} is ${found[bad]}.`);
  }
  if (spec.dimension === sizes.dimension) return spec;
  throw new DdclError(
    'shape',
    `The networks have latents of ${sizes.dimension} components, but the quantizer takes ${spec.dimension}.`,
  );
}

/** As `codebookChecksum`, of all that images are decoded with. @throws DdclError as the autoencoder's check */
export function autoencoderChecksum(model: Autoencoder): string {
  requireAutoencoder(model);
  const { sizes, pixels, weights, quantizer } = model;
  const { patch, context, channels, hidden, dimension } = sizes;
  const hash = createHash();
  hash.add(JSON.stringify([codebookChecksum(quantizer), patch, context, channels, hidden, dimension]));
  hash.add(Float32Array.of(pixels.mean, pixels.deviation));
  for (const name of Object.keys(networkShapes(sizes)).filter((each) => each.startsWith('decoder.')))
    hash.add(weights[name]!);
  return hash.digest();
}

/** A safetensors file: layers, the quantizer's tensors with `quantizer.` before their names, and sizes in the metadata. Equal ones give equal bytes. */
export function autoencoderToBytes(model: Autoencoder): Uint8Array<ArrayBuffer> {
  const spec = requireAutoencoder(model);
  const { sizes, pixels, weights, quantizer } = model;
  const tensors = new Map<string, SafetensorsTensor>();
  for (const [name, shape] of Object.entries(networkShapes(sizes)))
    tensors.set(name, { dtype: 'F32', shape, data: weights[name]! });
  for (const { name, shape } of stateTensors(spec))
    tensors.set(`quantizer.${name}`, { dtype: 'F32', shape, data: quantizer.tensors[name]! });
  const { patch, context, channels, hidden, dimension } = sizes;
  return writeSafetensors(tensors, {
    format,
    formatVersion: String(autoencoderFormatVersion),
    sizes: JSON.stringify({ patch, context, channels, hidden, dimension }),
    pixels: JSON.stringify({ mean: pixels.mean, deviation: pixels.deviation }),
    spec: JSON.stringify(Object.fromEntries(Object.entries(quantizer.spec).sort(([a], [b]) => (a < b ? -1 : 1)))),
  });
}

/** @throws DdclError `format` for bytes that are no autoencoder of this version, naming what is wrong; `argument` for what are no bytes */
export function autoencoderFromBytes(bytes: Uint8Array | ArrayBuffer): Autoencoder {
  const { tensors, metadata } = readSafetensors(requireBytes(bytes));
  if (metadata['format'] !== format || metadata['formatVersion'] !== String(autoencoderFormatVersion)) {
    throw malformed(`its format is ${metadata['format']} of version ${metadata['formatVersion']}`);
  }
  try {
    const parse = (name: string): unknown => JSON.parse(metadata[name] ?? '');
    const sizes = parse('sizes') as NetworkSizes;
    const pixels = parse('pixels') as PixelScale;
    const spec = parse('spec') as QuantizerSpec;
    requireObject('sizes', sizes, 'an object');
    requireNames('sizes', sizes, ['patch', 'context', 'channels', 'hidden', 'dimension']);
    requireObject('pixels', pixels, 'an object');
    requireNames('pixels', pixels, ['mean', 'deviation']);
    const layers = Object.entries(networkShapes(sizes));
    const own = stateTensors(resolveSpec(spec)).map(({ name, shape }) => [`quantizer.${name}`, shape] as const);
    const read = readTensors(tensors, [...layers, ...own]);
    const named = (prefix: string, wanted: readonly (readonly [string, unknown])[]): Record<string, Float32Array> =>
      Object.fromEntries(wanted.map(([name]) => [name.slice(prefix.length), read[name]!]));
    const quantizer = { spec, tensors: named('quantizer.', own) };
    const model = { sizes, pixels, weights: named('', layers), quantizer };
    requireAutoencoder(model);
    return model;
  } catch (cause) {
    throw malformed(withoutStop(cause), cause);
  }
}

/** @throws DdclError `format` for a name that nothing reads */
function requireNames(what: string, value: object, known: readonly string[]): void {
  const stray = Object.keys(value).find((name) => !known.includes(name));
  if (stray !== undefined) throw new DdclError('format', `its ${what} have a ${describe(stray)} that nothing reads.`);
}

function malformed(detail: string, cause?: unknown): DdclError {
  return new DdclError(
    'format',
    `This is not an autoencoder of format version ${autoencoderFormatVersion}: ${detail}. Give bytes that autoencoderToBytes wrote.`,
    { cause },
  );
}

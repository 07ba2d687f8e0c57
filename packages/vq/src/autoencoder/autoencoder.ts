import { DdclError } from '@ddcl/core';
import { readSafetensors, writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import { resolveSpec, type ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerSpec } from '../spec/spec.ts';
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
export const autoencoderFormatVersion = 1;

const format = 'ddcl.autoencoder';

/** The spec of an autoencoder's quantiser, whose tensors are checked with the networks'. @throws DdclError `shape`, `data` or `argument` */
export function requireAutoencoder({ sizes, weights, quantizer }: Autoencoder): ResolvedSpec {
  const spec = requireState(quantizer);
  for (const [name, shape] of Object.entries(networkShapes(sizes))) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (weights[name]?.length === count) continue;
    throw new DdclError(
      'shape',
      `The autoencoder needs '${name}' of shape [${shape.join(', ')}], but has ${weights[name]?.length ?? 'none'} numbers.`,
      { shapes: [shape] },
    );
  }
  if (spec.dimension === sizes.dimension) return spec;
  throw new DdclError(
    'shape',
    `The networks have latents of ${sizes.dimension} components, but the quantiser takes ${spec.dimension}.`,
  );
}

/** A safetensors file: layers, the quantiser's tensors with `quantizer.` before their names, and sizes in the metadata. Equal ones give equal bytes. */
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

/** @throws DdclError `format` for bytes that are no autoencoder of this version */
export function autoencoderFromBytes(bytes: Uint8Array | ArrayBuffer): Autoencoder {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata['format'] !== format || metadata['formatVersion'] !== String(autoencoderFormatVersion)) {
    throw malformed(`its format is ${metadata['format']} of version ${metadata['formatVersion']}`);
  }
  try {
    const parse = (name: string): unknown => JSON.parse(metadata[name] ?? '');
    const sizes = parse('sizes') as NetworkSizes;
    const pixels = parse('pixels') as PixelScale;
    const spec = parse('spec') as QuantizerSpec;
    const read = (name: string): Float32Array => {
      const data = tensors.get(name)?.data;
      if (data instanceof Float32Array) return Float32Array.from(data);
      throw malformed(`it lacks ${name}`);
    };
    const named = (names: readonly string[], prefix = ''): Record<string, Float32Array> =>
      Object.fromEntries(names.map((name) => [name, read(prefix + name)]));
    const state = stateTensors(resolveSpec(spec)).map(({ name }) => name);
    const model = {
      sizes,
      pixels,
      weights: named(Object.keys(networkShapes(sizes))),
      quantizer: { spec, tensors: named(state, 'quantizer.') },
    };
    requireAutoencoder(model);
    return model;
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
}

function malformed(detail: string, cause?: unknown): DdclError {
  return new DdclError(
    'format',
    `This is not an autoencoder of format version ${autoencoderFormatVersion}: ${detail}. Give bytes that autoencoderToBytes wrote.`,
    { cause },
  );
}

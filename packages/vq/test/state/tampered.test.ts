import { cpuBackend } from '@ddcl/backend-cpu';
import { readSafetensors, writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import { expect, it } from 'vitest';
import {
  autoencoderFromBytes,
  autoencoderToBytes,
  createState,
  stateFromBytes,
  stateToBytes,
  trainAutoencoder,
} from '../../src/index.ts';
import { stripes } from '../autoencoder/images.ts';

const state = createState({ kind: 'ddcl', dimension: 2, codes: 3, depth: 2, norm: 'scale' });

/** A file with something else in it. */
function changed(
  bytes: Uint8Array,
  change: (file: { tensors: Map<string, SafetensorsTensor>; metadata: Record<string, string> }) => void,
): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes);
  const copy = { tensors: new Map(tensors) as Map<string, SafetensorsTensor>, metadata: { ...metadata } };
  change(copy);
  return writeSafetensors(copy.tensors, copy.metadata);
}

const f32 = (shape: number[], ...numbers: number[]): SafetensorsTensor => ({
  dtype: 'F32',
  shape,
  data: Float32Array.from(numbers),
});
const spec = (extra: object) => (file: { metadata: Record<string, string> }) =>
  void (file.metadata['spec'] = JSON.stringify({ ...state.spec, ...extra }));

it.each<[string, Parameters<typeof changed>[1], RegExp]>([
  [
    'a negative mass',
    ({ tensors }) => void tensors.set('mass.0.1', f32([3], 1, -5, 0)),
    /'mass.0.1' must be finite and >= 0, but number 1 is -5/,
  ],
  ['a negative temperature', ({ tensors }) => void tensors.set('temperature.0.0', f32([], -1)), /temperature.0.0/],
  ['a negative variance', ({ tensors }) => void tensors.set('norm.variance', f32([], -1)), /norm.variance/],
  ['a NaN', ({ tensors }) => void tensors.set('codes.0.0', f32([3, 2], 0, 1, 2, NaN, 4, 5)), /number 3 is NaN/],
  [
    'another shape',
    ({ tensors }) => void tensors.set('codes.0.0', f32([2, 3], 0, 1, 2, 3, 4, 5)),
    /should be F32 \[3, 2\], but is F32 \[2, 3\]/,
  ],
  ['a missing tensor', ({ tensors }) => void tensors.delete('direction.0.0'), /direction.0.0 .*missing/],
  ['a stray tensor', ({ tensors }) => void tensors.set('sums.0.0', f32([1], 1)), /a tensor sums.0.0/],
  ['a switch that is a text', spec({ frozen: 'no' }), /frozen must be true or false, but is 'no'/],
  ['a huge depth', spec({ depth: 2e8 }), /depth must be a whole number from 1 to 65535, but is 200000000/],
  ['a huge codebook', spec({ codes: 2 ** 31 - 1 }), /too large/],
  ['more heads than components', spec({ heads: 60_000, codeDimension: 1, depth: 2 }), /heads x depth/],
  ['a decay that is a text', spec({ kind: 'ema', decay: '0.5' }), /decay must be a number/],
  ['no spec', ({ metadata }) => void (metadata['spec'] = 'null'), /The spec of a quantizer must be an object/],
  ['a spec that is no JSON', ({ metadata }) => void (metadata['spec'] = '{'), /JSON/],
  ['another version', ({ metadata }) => void (metadata['formatVersion'] = '1'), /formatVersion is 1/],
])('a state with %s is refused by name', (_, change, message) => {
  const bytes = changed(stateToBytes(state), change);
  let found: unknown;
  try {
    stateFromBytes(bytes);
  } catch (error) {
    found = error;
  }
  expect(found).toMatchObject({ name: 'DdclError', code: 'format', message: expect.stringMatching(message) as string });
  expect((found as Error).message).not.toMatch(/\.\. /);
});

it('an autoencoder that was tampered with is refused by name', async () => {
  const options = {
    quantizer: { kind: 'vq', dimension: 2, codes: 3 },
    hidden: 3,
    epochs: 1,
    stepsPerEpoch: 1,
    batch: 4,
  } as const;
  const { model } = await trainAutoencoder(cpuBackend(), stripes(12, 3), options);
  const bytes = autoencoderToBytes(model);
  expect(autoencoderFromBytes(bytes)).toEqual(model);
  const wrong: [Parameters<typeof changed>[1], RegExp][] = [
    [({ tensors }) => void tensors.set('decoder.0.bias', f32([3], 1, NaN, 0)), /decoder.0.bias/],
    [({ tensors }) => void tensors.set('quantizer.mass.0.0', f32([3], 1, -1, 0)), /mass.0.0/],
    [({ tensors }) => void tensors.delete('encoder.1.bias'), /encoder.1.bias .*missing/],
    [({ metadata }) => void (metadata['sizes'] = 'null'), /sizes must be an object/],
    [
      ({ metadata }) => void (metadata['sizes'] = '{"patch":4,"context":1,"channels":2,"hidden":2e9,"dimension":2}'),
      /encoder/,
    ],
    [({ metadata }) => void (metadata['pixels'] = '{"mean":0.5,"deviation":0}'), /deviation must be a number > 0/],
    [({ metadata }) => void (metadata['pixels'] = '[]'), /pixels must be an object/],
  ];
  for (const [change, message] of wrong) expect(() => autoencoderFromBytes(changed(bytes, change))).toThrow(message);
});

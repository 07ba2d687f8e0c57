import { cpuBackend } from '@ddcl/backend-cpu';
import { describe, expect, it } from 'vitest';
import {
  autoencoderFromBytes,
  autoencoderToBytes,
  decodeImages,
  encodeImages,
  trainAutoencoder,
  type AutoencoderOptions,
  type Images,
  type QuantizerSpec,
} from '../../src/index.ts';
import { codeOf } from '../thrown.ts';
import { stripes } from './images.ts';

const backend = cpuBackend();
const images = stripes(40, 1);
const holdOut = stripes(10, 2);
const short: Omit<AutoencoderOptions, 'quantizer'> = {
  hidden: 16,
  epochs: 2,
  stepsPerEpoch: 60,
  batch: 32,
  learningRate: 0.02,
  holdOut,
};

/** Mean squared difference of pixels in 0..1. */
function errorOf(a: ArrayLike<number>, bytes: Uint8Array): number {
  let total = 0;
  bytes.forEach((value, index) => (total += (a[index]! - value / 255) ** 2));
  return total / bytes.length;
}

describe.each([
  ['ddcl', { kind: 'ddcl', dimension: 4, codes: 8 }, {}],
  ['ddcl with context and a relocation', { kind: 'ddcl', dimension: 4, codes: 8 }, { context: 2, relocateAt: 0.5 }],
  ['ema with revival', { kind: 'ema', dimension: 4, codes: 8, reviveBelow: 0.2, decay: 0.9 }, {}],
  ['vq with revival, residual', { kind: 'vq', dimension: 4, codes: 8, depth: 2, reviveBelow: 0.2 }, {}],
  ['fsq', { kind: 'fsq', dimension: 3, levels: [4, 4, 3] }, {}],
] as readonly (readonly [string, QuantizerSpec, Partial<AutoencoderOptions>])[])('%s', (_, quantizer, extra) => {
  it('learns images, which come back from stored codes as it was measured', async () => {
    const { model, history } = await trainAutoencoder(backend, images, { ...short, quantizer, ...extra });
    expect(history.map(({ epoch }) => epoch)).toEqual([1, 2]);
    const last = history.at(-1)!;
    // The pixels' variance is about 0.06. Running averages and norms lag behind an encoder that learns this fast.
    expect(last.hard).toBeLessThan(0.03);
    const restored = autoencoderFromBytes(autoencoderToBytes(model));
    expect(restored).toEqual(model);
    const codes = await encodeImages(backend, restored, holdOut);
    expect(codes.shape).toEqual([10, 2, 2, quantizer.depth ?? 1]);
    const back = await decodeImages(backend, restored, codes);
    expect(back.shape).toEqual(holdOut.shape);
    // Numbers beyond 0..1 are brought back there, which can only help.
    expect(errorOf(back.data, holdOut.data)).toBeLessThan(last.hard * 1.0001);
    expect(errorOf(back.data, holdOut.data)).toBeGreaterThan(last.hard * 0.9);
  });
});

it('is the same again with the same seed, and another with another', async () => {
  const quantizer: QuantizerSpec = { kind: 'ddcl', dimension: 2, codes: 4 };
  const run = (seed: number) =>
    trainAutoencoder(backend, images, { ...short, epochs: 1, stepsPerEpoch: 4, quantizer, seed });
  const [first, again, other] = [await run(1), await run(1), await run(2)];
  expect(again).toEqual(first);
  expect(other.history[0]!.hard).not.toBe(first.history[0]!.hard);
});

it('frees what it holds, and stops when it is told', async () => {
  const own = cpuBackend();
  const quantizer: QuantizerSpec = { kind: 'ema', dimension: 2, codes: 4 };
  const signal = { aborted: false, addEventListener: () => {}, removeEventListener: () => {} };
  const stopped = trainAutoencoder(own, images, {
    ...short,
    quantizer,
    signal,
    onProgress: () => (signal.aborted = true),
  });
  expect(await codeOf(() => stopped)).toBe('aborted');
  expect(own.memory().buffers).toBe(0);
});

it('refuses images and options that do not fit', async () => {
  const quantizer: QuantizerSpec = { kind: 'ddcl', dimension: 2, codes: 4 };
  const train = (change: Partial<AutoencoderOptions>, of: Images = images) =>
    codeOf(() => trainAutoencoder(backend, of, { ...short, quantizer, ...change }));
  expect(await train({ patch: 3 })).toBe('shape');
  expect(await train({}, { data: images.data, shape: [40, 8, 8, 3] })).toBe('shape');
  expect(await train({}, { data: new Uint8Array(128), shape: [1, 8, 8, 2] })).toBe('data');
  expect(await train({}, { data: new Float32Array(128).fill(2), shape: [1, 8, 8, 2] })).toBe('data');
  expect(await train({ holdOut: { data: new Uint8Array(192), shape: [1, 8, 8, 3] } })).toBe('shape');
  expect(await train({ batch: 30, context: 2 })).toBe('argument');
  expect(await train({ epochs: 0 })).toBe('argument');
  expect(await train({ learningRate: 0 })).toBe('argument');
  expect(await train({ relocateAt: 2 })).toBe('argument');
  expect(await train({ quantizer: { ...quantizer, codes: 1 } })).toBe('argument');
});

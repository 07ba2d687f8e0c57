import { cpuBackend } from '@ddcl/backend-cpu';
import { describe, expect, it } from 'vitest';
import {
  createState,
  decode,
  fitQuantizer,
  initialize,
  packIndices,
  quantize,
  stateFromBytes,
  stateToBytes,
  topCodes,
  unpackIndices,
  update,
  type QuantizerSpec,
} from '../../src/index.ts';
import { normals, sourceOf, specOf } from '../kinds.ts';
import { codeOf } from '../thrown.ts';

const backend = cpuBackend();
const spec: QuantizerSpec = { kind: 'ema', dimension: 4, codes: 6, depth: 2 };
const state = createState(spec);
const data = normals(40, 3);

describe('what is no code', () => {
  it.each([
    ['-1, which is no code', [0, -1]],
    ['K', [0, 6]],
    ['a fraction', [0.5, 1]],
    ['NaN', [NaN, 1]],
  ])('is refused: %s', async (_, indices) => {
    expect(await codeOf(() => decode(state, indices))).toBe('data');
    expect(await codeOf(() => packIndices(indices, [6, 6]))).toBe('data');
  });

  it('is refused where it does not make whole vectors', async () => {
    expect(await codeOf(() => decode(state, [0, 1, 2]))).toBe('shape');
    expect(await codeOf(() => packIndices([0, 1, 2], [6, 6]))).toBe('shape');
    expect(await codeOf(() => decode(state, [0, 1], { places: [2] }))).toBe('shape');
    expect(await codeOf(() => decode(state, [0, 1], { weights: [1, 1] }))).toBe('shape');
    expect(await codeOf(() => decode(state, [0, 1], { levels: 3 }))).toBe('argument');
  });

  it('is let by where a weight of 0 leaves it out', () => {
    expect([...decode(state, [1, 1, -1, -1], { weights: [1, 0] }).subarray(4)]).toEqual([0, 0, 0, 0]);
  });
});

describe('latents', () => {
  const at = (change: Partial<Parameters<typeof quantize>[2]>) =>
    codeOf(() => quantize(backend, state, { data, shape: [10, 4], ...change }));

  it('of another width or number are refused', async () => {
    expect(await at({ shape: [8, 5] })).toBe('shape');
    expect(await at({ shape: [9, 4] })).toBe('shape');
    expect(await at({ channelAxis: 2 })).toBe('argument');
    expect(await at({ channelAxis: 0 })).toBe('shape');
  });

  it('with a mask of another shape, or weights that are none, are refused', async () => {
    expect(await at({ weights: [1, 1, 1] })).toBe('shape');
    expect(await at({ weights: new Float32Array(10).fill(-1) })).toBe('data');
    expect(await at({ weights: new Float32Array(10).fill(NaN) })).toBe('data');
  });

  it('that are not finite are refused by name, unless they are padding', async () => {
    const broken = data.slice();
    broken[22] = Infinity;
    const latents = { data: broken, shape: [10, 4] };
    await expect(quantize(backend, state, latents)).rejects.toThrow(/component 2 of vector 5 is Infinity/);
    await expect(update(backend, state, latents)).rejects.toThrow(/component 2 of vector 5/);
    await expect(initialize(backend, spec, sourceOf(broken, 4))).rejects.toThrow(/component 2 of vector 5/);
    const weights = new Float32Array(10).fill(1);
    weights[5] = 0;
    await expect(quantize(backend, state, { ...latents, weights })).resolves.toHaveProperty('indices');
  });
});

describe('specs', () => {
  it.each([
    ['one code', { codes: 1 }],
    ['a kind that there is not', { kind: 'pq' as never }],
    ['an option of another kind', { levels: [3, 3] }],
    ['a decay of 1', { decay: 1 }],
    ['a negative weight', { commitment: -1 }],
    ['heads that do not divide', { heads: 3 }],
    ['no depth', { depth: 0 }],
  ])('are refused: %s', async (_, change) => {
    expect(await codeOf(() => createState({ ...spec, ...change }))).toBe('argument');
  });

  it.each([
    ['two levels in the bounded variant', { kind: 'fsq', dimension: 2, levels: [2, 3] }],
    ['more codes than an index has', { kind: 'fsq', dimension: 16, levels: new Array<number>(16).fill(4) }],
    ['codes that are no power of two', { kind: 'lfq', dimension: 2, codes: 6 }],
  ] as const)('are refused: %s', async (_, change) => {
    expect(await codeOf(() => createState(change))).toBe('argument');
  });
});

describe('starts and fits', () => {
  it('from fewer distinct vectors than codes are refused', async () => {
    expect(await codeOf(() => initialize(backend, { ...spec, depth: 1 }, sourceOf(data.subarray(0, 20), 4)))).toBe(
      'data',
    );
    expect(await codeOf(() => fitQuantizer(backend, sourceOf(new Float32Array(80), 4), specOf('ddcl')))).not.toBe(
      'nothing thrown',
    );
  });

  it('from vectors of another length are refused', async () => {
    expect(await codeOf(() => initialize(backend, spec, sourceOf(data, 5)))).toBe('shape');
  });

  it('with numbers out of range are refused', async () => {
    for (const options of [{ steps: 0 }, { batch: 1.5 }, { codeRate: -1 }])
      expect(await codeOf(() => fitQuantizer(backend, sourceOf(data, 4), specOf('vq'), options))).toBe('argument');
  });
});

it('near codes of kinds without codes, and more than there are, are refused', async () => {
  const latents = { data, shape: [10, 4] };
  expect(await codeOf(() => topCodes(backend, createState(specOf('fsq')), latents, 1))).toBe('argument');
  for (const k of [0, 7, 1.5]) expect(await codeOf(() => topCodes(backend, state, latents, k))).toBe('argument');
});

describe('bytes', () => {
  const packed = packIndices([1, 2, 3, 4, 5, 0], [6, 6]);

  it('of codes that are cut short, too many, foreign or beyond K are refused', async () => {
    const changed = (at: number, value: number): Uint8Array => {
      const bytes = packed.slice();
      bytes[at] = value;
      return bytes;
    };
    const wrong = [
      packed.subarray(0, packed.length - 1),
      packed.subarray(0, 10),
      new Uint8Array([...packed, 0]),
      stateToBytes(state),
      changed(0, 0),
      changed(8, 1),
      changed(10, 0),
      changed(19, 1),
      changed(28, 1),
      changed(36, 0xff),
      changed(38, 0xf0),
    ];
    for (const bytes of wrong) expect(await codeOf(() => unpackIndices(bytes))).toBe('format');
  });

  it('of a state that are none are refused', async () => {
    const bytes = stateToBytes(state);
    expect(await codeOf(() => stateFromBytes(bytes.subarray(0, bytes.length - 4)))).toBe('format');
    expect(await codeOf(() => stateFromBytes(packed))).toBe('format');
    const text = new TextDecoder('latin1').decode(bytes).replace('"ema', '"vqs').replace('\\"ema', '\\"vqs');
    const other = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    expect(await codeOf(() => stateFromBytes(other))).toBe('format');
    const missing = { ...state, tensors: { ...state.tensors, 'codes.0.1': new Float32Array(3) } };
    expect(await codeOf(() => stateToBytes(missing))).toBe('shape');
  });
});

import { cpuBackend } from '@ddcl/backend-cpu';
import { describe, expect, it } from 'vitest';
import { createState, fitQuantizer, initialize, quantize, update, type QuantizerState } from '../../src/index.ts';
import { kinds, normals, sourceOf, specOf } from '../kinds.ts';
import { problem, runPart } from '../quantizers/run-part.ts';

const backend = cpuBackend();
const [n, m] = [60, 4];

describe('the scale of weights does not matter', () => {
  const data = normals(n * m, 5);
  const weights = Float64Array.from({ length: n }, (_, row) => row % 4);
  const scaled = (by: number): Float64Array => weights.map((weight) => weight * by);

  it.each(kinds)('to updates and reports of %s', async (kind) => {
    const state = await initialize(backend, specOf(kind, { norm: 'scale' }), sourceOf(data, m));
    const at = async (by: number) => {
      const latents = { data, shape: [n, m], weights: scaled(by) };
      const { indices, report } = await quantize(backend, state, latents);
      return { tensors: (await update(backend, state, latents)).tensors, indices, report };
    };
    const [right, ...others] = await Promise.all([1, 2 ** -1000, 2 ** 100, 2 ** 1000].map(at));
    // Powers of two: to the last bit.
    for (const other of others) expect(other).toEqual(right);
    for (const by of [1e-24, 1e37]) {
      const { tensors } = await at(by);
      for (const [name, values] of Object.entries(right!.tensors))
        values.forEach((value, index) => expect(tensors[name]![index]).toBeCloseTo(value, 5));
    }
  });

  it('inside programs', async () => {
    const given = problem(8, m, 3);
    const at = (by: number) =>
      runPart({ spec: specOf('ema'), ...given, weights: given.weights.map((weight) => weight * by) });
    const [right, small, large] = await Promise.all([1, 2 ** -80, 2 ** 900].map(at));
    expect(small).toEqual(right);
    expect(large).toEqual(right);
  });

  it('to fits', async () => {
    const fitted = (by: number) =>
      fitQuantizer(backend, sourceOf(data, m, Float32Array.from(scaled(by))), specOf('vq'), { steps: 5 });
    expect((await fitted(2 ** -80)).state).toEqual((await fitted(1)).state);
  });

  it('but a weight beside much larger ones is not 0', async () => {
    const state = createState(specOf('ema'), { seed: 1 });
    const own = Float64Array.from({ length: n }, (_, row) => (row === 0 ? 1e-200 : 1));
    const { indices } = await quantize(backend, state, { data, shape: [n, m], weights: own });
    expect(indices).toEqual((await quantize(backend, state, { data, shape: [n, m] })).indices);
  });
});

describe('far from 0', () => {
  // Groups that are far apart, at multiples of 1/64, which float32 has up to 2^17: the same vectors to the last bit, and no token between two codes.
  const near = normals(n * m, 7).map(
    (value, index) => Math.round((value + 20 * (Math.floor(index / m) % 6)) * 64) / 64,
  );
  const shifted = (offset: number): Float32Array => near.map((value) => value + offset);

  it.each(['ema', 'rotation'] as const)('%s moves as it does near 0', async (kind) => {
    const [offset, far] = [2 ** 17, shifted(2 ** 17)];
    const spec = specOf(kind, { decay: 0.999 });
    const start = createState(spec);
    const begun = (shift: number): QuantizerState => ({
      ...start,
      tensors: { ...start.tensors, 'codes.0.0': near.slice(0, 6 * m).map((value) => value + shift) },
    });
    let [here, there] = [begun(0), begun(offset)];
    for (let step = 0; step < 50; step++) {
      here = await update(backend, here, { data: near, shape: [n, m] });
      there = await update(backend, there, { data: far, shape: [n, m] });
    }
    const average = (state: QuantizerState, shift: number): number[] =>
      Array.from(state.tensors['codes.0.0']!, (code, index) => code - shift + state.tensors['rest.0.0']![index]!);
    // A last digit of a code there is 1/64, and a step of 0.1 % of a distance of order 1 far below half of it; steps themselves are of float32.
    const expected = average(here, 0);
    average(there, offset).forEach((value, index) => expect(Math.abs(value - expected[index]!)).toBeLessThan(2e-5));
    expect(Math.abs(expected[0]! - near[0]!)).toBeGreaterThan(0.005);
  });

  it('a norm takes the mean off before anything is lost', async () => {
    for (const kind of kinds) {
      const state = createState(specOf(kind, { norm: 'scale' }), { seed: 2 });
      const [here, there] = await Promise.all(
        [near, shifted(2 ** 17)].map((data) => update(backend, state, { data, shape: [n, m] }, { seed: 3 })),
      );
      for (const [name, values] of Object.entries(here!.tensors)) {
        if (name === 'norm.mean') continue;
        const scale = Math.max(1, ...values.map(Math.abs));
        values.forEach((value, index) =>
          expect(Math.abs(there!.tensors[name]![index]! - value) / scale, `${kind} ${name}`).toBeLessThan(2e-5),
        );
      }
    }
  });

  it.each(['ddcl', 'ema', 'cosine', 'vq', 'gumbel', 'smoothed'] as const)(
    '%s starts and fits as it does near 0, and refuses vectors that have no digits left',
    async (kind) => {
      const fitted = (data: Float32Array) => fitQuantizer(backend, sourceOf(data, m), specOf(kind), { steps: 5 });
      const here = await fitted(near);
      const there = await fitted(shifted(2 ** 13));
      // A code is rounded by 2^-12 there; directions are others.
      if (kind !== 'cosine') expect(there.report.quantization / here.report.quantization).toBeCloseTo(1, 1);
      await expect(fitted(shifted(2 ** 23))).rejects.toThrow(/lie .* from 0 .* Take their mean off/);
    },
  );
});

import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { fit, modelFromBytes, modelToBytes, tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { Readout, type TokenBatch } from '../src/index.ts';

const random = createRandom(3);
/** Four clusters, 30 sequences of 8 tokens. */
const tokens = 240;
const data = Float32Array.from(
  { length: tokens * 6 },
  (_, i) => 4 * ((Math.floor(i / 6) + (i % 6)) % 4) + random.normal(),
);
const batch: TokenBatch = { data, shape: [30, 8, 6] };
const options = { prototypes: 4, steps: 60, batch: 120 } as const;

describe('Readout', () => {
  it('fits as core does on the same tokens', async () => {
    const backend = cpuBackend();
    const readout = await Readout.fit(batch, { backend, ...options });
    const { model } = await fit(backend, tokensFromReader(tokensFromArray(data, 6)), options);
    expect(readout.model).toEqual(model);
    expect(readout.fitted!.quantities.loss.lq).toBeGreaterThan(0);
  });

  it('leaves masked tokens out of the fit', async () => {
    const backend = cpuBackend();
    const mask = Uint8Array.from({ length: tokens }, (_, n) => (n % 8 < 6 ? 1 : 0));
    const spoiled = data.map((x, i) => (mask[Math.floor(i / 6)] === 1 ? x : 1e4));
    const masked = await Readout.fit({ data: spoiled, shape: [30, 8, 6] }, { backend, mask, ...options });
    expect(Math.max(...masked.model.prototypes)).toBeLessThan(20);
    const few = data.filter((_, i) => mask[Math.floor(i / 6)] === 1);
    const same = await Readout.fit({ data: few, shape: [180, 6] }, { backend, ...options });
    expect(masked.fitted!.statistics.criticalTemperature).toBeCloseTo(same.fitted!.statistics.criticalTemperature, 8);
  });

  it('takes whatever lies under padding, as encode does, and leaves it as it was', async () => {
    const backend = cpuBackend();
    const mask = Uint8Array.from({ length: tokens }, (_, n) => (n % 8 < 6 ? 1 : 0));
    const spoiled = data.map((x, i) => (mask[Math.floor(i / 6)] === 1 ? x : i % 2 === 0 ? NaN : Infinity));
    const kept = spoiled.slice();
    const zeros = spoiled.map((x) => (Number.isFinite(x) ? x : 0));
    const fitted = await Readout.fit({ data: spoiled, shape: [30, 8, 6] }, { backend, mask, ...options });
    const same = await Readout.fit({ data: zeros, shape: [30, 8, 6] }, { backend, mask, ...options });
    expect(fitted.model).toEqual(same.model);
    expect(spoiled).toEqual(kept);
    await fitted.partialFit({ data: spoiled, shape: [30, 8, 6] }, { mask });
    expect(fitted.model.prototypes.every(Number.isFinite)).toBe(true);
    // Of a token that counts it is an error still.
    mask[7] = 1;
    await expect(Readout.fit({ data: spoiled, shape: [30, 8, 6] }, { backend, mask, ...options })).rejects.toThrow(
      /NaN|Infinity/,
    );
  });

  it('fits lists, streams that open anew and streams that are read once', async () => {
    const backend = cpuBackend();
    const halves = [0, 1].map((half) => ({ data: data.subarray(half * 720, (half + 1) * 720), shape: [120, 6] }));
    const list = await Readout.fit(halves, { backend, ...options });
    async function* stream(): AsyncGenerator<TokenBatch> {
      yield* halves;
    }
    const streamed = await Readout.fit(stream, { backend, ...options });
    expect(streamed.model).toEqual(list.model);
    const once = await Readout.fit(stream(), { backend, ...options });
    // A reader of what was collected shuffles all of it: another order, as good a fit.
    expect(once.fitted!.quantities.loss.hard).toBeCloseTo(list.fitted!.quantities.loss.hard, 1);
    await expect(Readout.fit([], { backend, ...options })).rejects.toThrow(/no batch/);
  });

  it('does to tokens what was done to those of its fit, as the formulas of the model file say', async () => {
    const backend = cpuBackend();
    const { model } = await Readout.fit(batch, { backend, ...options });
    const mean = [1, -2, 0.5, 0, 3, 1];
    const deviation = [2, 0.5, 1, 3, 1, 0.1];
    for (const standardize of [null, { mean, deviation }]) {
      for (const normalize of [false, true]) {
        const own = { ...model, preprocessing: { standardize, normalize } };
        const readout = Readout.fromBytes(modelToBytes(own), { backend });
        const { codes, occupancy } = await readout.encode(batch, { outputs: ['codes', 'occupancy'] });
        const wanted = new Float64Array(occupancy!.data.length);
        const tokens = batch.data.length / 6;
        for (let token = 0; token < tokens; token++) {
          let z = Array.from(batch.data.subarray(token * 6, token * 6 + 6));
          if (standardize !== null) z = z.map((value, axis) => (value - mean[axis]!) / deviation[axis]!);
          if (normalize) z = z.map((value) => value / Math.hypot(...z));
          const distances = Array.from({ length: model.count }, (_, k) =>
            z.reduce((sum, value, axis) => sum + (value - model.prototypes[k * 6 + axis]!) ** 2, 0),
          );
          const nearest = Math.min(...distances);
          expect(codes!.data[token]).toBe(distances.indexOf(nearest));
          const powers = distances.map((distance) => Math.exp((nearest - distance) / model.temperature));
          const total = powers.reduce((sum, power) => sum + power, 0);
          const share = occupancy!.data.length / model.count;
          const sequence = Math.floor((token * share) / tokens);
          powers.forEach((power, k) => (wanted[sequence * model.count + k]! += (power / total) * (share / tokens)));
        }
        // float32 through keys and softmax.
        wanted.forEach((value, index) => expect(occupancy!.data[index]).toBeCloseTo(value, 4));
        await readout.partialFit(batch);
        expect(modelFromBytes(readout.toBytes()).preprocessing).toEqual(
          standardize === null && !normalize ? undefined : own.preprocessing,
        );
      }
    }
  });

  it('goes to bytes and back', async () => {
    const backend = cpuBackend();
    const readout = await Readout.fit(batch, { backend, ...options });
    const bytes = readout.toBytes();
    const back = Readout.fromBytes(bytes, { backend });
    expect(back.model).toEqual(modelFromBytes(bytes));
    expect(await back.encode(batch)).toEqual(await readout.encode(batch));
    expect(() => Readout.fromBytes(bytes.subarray(0, 40), { backend })).toThrow();
  });

  it('learns from tokens that come later, and only by partialFit', async () => {
    const backend = cpuBackend();
    const readout = await Readout.fit(batch, { backend, ...options });
    const moved: TokenBatch = { data: data.map((x) => x + 1), shape: [240, 6] };
    const errorOn = async (): Promise<number> => {
      const { outputs } = await readout.encode(moved, { outputs: ['outputs'] });
      return (moved.data as Float32Array).reduce((sum, x, i) => sum + (x - (outputs!.data[i] as number)) ** 2, 0) / 240;
    };
    const before = readout.model;
    const first = await errorOn();
    expect(readout.model).toBe(before);
    for (let round = 0; round < 60; round++) await readout.partialFit(moved, { learningRate: 0.02 });
    expect(await errorOn()).toBeLessThan(0.7 * first);
    expect(readout.model).not.toBe(before);
    expect(before.prototypes).not.toEqual(readout.model.prototypes);
    await expect(readout.partialFit({ data: new Float32Array(5), shape: [1, 5] })).rejects.toThrow(/hidden size 6/);
    await expect(readout.partialFit(moved, { learningRate: 0 })).rejects.toThrow(/learningRate/);
    readout.dispose();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});

import {
  encodeSegments,
  encodeTokens,
  fit,
  measureSource,
  modelState,
  tokensFromArray,
  tokensFromFloat16,
  tokensFromReader,
  type FitOptions,
  type SegmentOutput,
  type TokenOutput,
  type TokenSource,
} from '@ddcl/core/fit';
import { fromFloat16, toFloat16 } from '@ddcl/core/safetensors';
import type { Backend } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { rejection } from '../../../core/test/support/run.ts';
import { cpuBackend } from '../../src/index.ts';
import { blobs, withSmallBuffers } from './support.ts';

const dimension = 6;
const tokens = 1200;
const bits = toFloat16(blobs(tokens, dimension, 5, 3, 1).map((x) => x + 20));
const halves = tokensFromReader(tokensFromFloat16(bits, dimension));
/** The same numbers, of which nobody knows that half precision holds them. */
const floats = tokensFromReader(tokensFromArray(fromFloat16(bits), dimension));

/** A backend that counts what it is given. */
function counting(backend: Backend = cpuBackend()) {
  const uploads: Record<string, number> = { float16: 0, float32: 0, float64: 0, int32: 0 };
  const watched: Backend = {
    ...backend,
    upload(type, data) {
      uploads[type.dtype] = uploads[type.dtype]! + data.length;
      return backend.upload(type, data);
    },
  };
  return { backend: watched, uploads };
}

const withoutFloat16 = (): Backend => {
  const backend = cpuBackend();
  const dtypes = backend.capabilities.dtypes.filter((dtype) => dtype !== 'float16');
  return { ...backend, capabilities: { ...backend.capabilities, dtypes } };
};

const usual: FitOptions = { prototypes: 8, epochs: 6, batch: 200, seed: 3 };
const whole = 6 * tokens * dimension;

describe.each<[string, () => Backend]>([
  ['a step of one block', () => cpuBackend()],
  ['a step of several blocks', () => withSmallBuffers(8 * 8 * 64)],
])('a fit of tokens in half precision, %s', (_, make) => {
  it.each([
    // Six epochs and the last measurement, and what fills up blocks.
    ['each time', 0, whole + tokens * dimension],
    ['once', undefined, tokens * dimension],
  ] as const)(
    'sends them to the device as they are, %s, and ends where a fit of their numbers does',
    async (_unused, tokenMemory, sent) => {
      const { backend, uploads } = counting(make());
      const options = { ...usual, ...(tokenMemory !== undefined && { tokenMemory }) };
      const got = await fit(backend, halves, options);
      expect(uploads['float16']).toBeGreaterThanOrEqual(sent);
      // The certificate and its boundary tokens are two passes more, with what fills up blocks.
      expect(uploads['float16']).toBeLessThan(sent + 3 * tokens * dimension);
      expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });

      const wanted = await fit(make(), floats, options);
      expect(got.model.temperature).toBe(wanted.model.temperature);
      // The frame's offset is rounded to float32, and so are differences: 30 steps carry 1e-7 to about 1e-5.
      expect(got.quantities.loss.lq).toBeCloseTo(wanted.quantities.loss.lq, 4);
      got.model.prototypes.forEach((x, i) => expect(Math.abs(x - wanted.model.prototypes[i]!)).toBeLessThan(2e-3));
    },
  );
});

describe('a fit of tokens in half precision', () => {
  it.each([0, 2 ** 20])(
    'goes on from a checkpoint as if nothing had happened, with several restarts; memory %i',
    async (tokenMemory) => {
      const options = { ...usual, restarts: 2, records: 6, tokenMemory };
      const checkpoints: Uint8Array[] = [];
      const whole = await fit(cpuBackend(), halves, {
        ...options,
        onCheckpoint: async (make) => void checkpoints.push(await make()),
      });
      expect(checkpoints.length).toBeGreaterThan(8);
      for (const resume of [checkpoints[2]!, checkpoints.at(-3)!]) {
        const resumed = await fit(cpuBackend(), halves, { ...options, resume });
        expect(resumed.model).toEqual(whole.model);
        expect(resumed.history).toEqual(whole.history);
        expect(resumed.restartErrors).toEqual(whole.restartErrors);
      }
    },
  );
});

describe('tokens in half precision', () => {
  it('are framed on the host where the backend has no float16, or the fit is in float64', async () => {
    const [plain, double] = [counting(withoutFloat16()), counting()];
    await fit(plain.backend, halves, usual);
    expect(plain.uploads['float16']).toBe(0);
    await fit(double.backend, halves, { ...usual, dtype: 'float64' });
    expect(double.uploads['float16']).toBe(0);
  });

  it('are measured and encoded like their numbers', async () => {
    const { model } = await fit(cpuBackend(), floats, usual);
    const options = { tokens, totalVariance: model.totalVariance };
    const { backend, uploads } = counting();
    const got = await measureSource(backend, halves, modelState(model), options);
    const wanted = await measureSource(cpuBackend(), floats, modelState(model), options);
    // Float32 distances of framed tokens of order 1: 1e-6 of the loss.
    expect(got.loss.lq / wanted.loss.lq).toBeCloseTo(1, 5);
    expect(got.loss.hard / wanted.loss.hard).toBeCloseTo(1, 5);
    expect(uploads['float16']).toBeGreaterThanOrEqual(tokens * dimension);

    const rowsOf = async (source: TokenSource, what: TokenOutput): Promise<number[]> => {
      const rows: number[] = [];
      for await (const { data } of encodeTokens(backend, model, source, what)) rows.push(...data);
      return rows;
    };
    expect(await rowsOf(halves, 'codes')).toEqual(await rowsOf(floats, 'codes'));
    const [outputs, expected] = [await rowsOf(halves, 'outputs'), await rowsOf(floats, 'outputs')];
    expect(outputs).toHaveLength(tokens * dimension);
    // Around 20 with a deviation of 3: a float32 there has a last place of 2e-6, and cold assignments sharpen it.
    outputs.forEach((x, i) => expect(Math.abs(x - expected[i]!)).toBeLessThan(1e-3));

    const ids = Int32Array.from({ length: tokens }, (_, n) => Math.floor(n / 70));
    const segmentsOf = async (source: TokenSource, what: SegmentOutput): Promise<number[]> => {
      const rows: number[] = [];
      for await (const { data } of encodeSegments(backend, model, source, ids, what)) rows.push(...data);
      return rows;
    };
    for (const what of ['pooled', 'occupancy', 'summaries'] as const) {
      const sent = uploads['float16']!;
      const [rows, other] = [await segmentsOf(halves, what), await segmentsOf(floats, what)];
      expect(uploads['float16']! - sent).toBeGreaterThanOrEqual(tokens * dimension);
      expect(rows).toHaveLength(18 * { pooled: dimension, occupancy: 8, summaries: 8 * dimension }[what]);
      rows.forEach((x, i) => expect(Math.abs(x - other[i]!)).toBeLessThan(2e-3));
    }
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('that are not finite are named', async () => {
    const spoilt = bits.slice();
    spoilt[7 * dimension + 2] = 0x7e00;
    const source = tokensFromReader(tokensFromFloat16(spoilt, dimension));
    const error = await rejection(fit(cpuBackend(), source, usual));
    expect(error.code).toBe('data');
    expect(error.message).toContain('Token 7 (counted from 0) holds NaN in component 2');
  });
});

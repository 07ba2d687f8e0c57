import { adam, massPreconditioned, sgd } from '@ddcl/core';
import {
  encodeSegments,
  encodeTokens,
  fit,
  readoutProgram,
  tokensFromArray,
  tokensFromIterable,
  tokensFromReader,
  type EncodedRows,
  type FitOptions,
} from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { rejection } from '../../../core/test/support/run.ts';
import { cpuBackend } from '../../src/index.ts';
import { blobs, sourceOf, watchedBackend, withSmallBuffers } from './support.ts';

const dimension = 3;
const tokens = blobs(60, dimension, 5, 3, 1);
async function rowsOf(encoded: AsyncIterable<EncodedRows>): Promise<number[]> {
  const rows: number[] = [];
  for await (const { data } of encoded) rows.push(...data);
  return rows;
}
const usual: FitOptions = { prototypes: 4, steps: 3, batch: 30 };

async function refusal(options: Partial<FitOptions>, source = sourceOf(tokens, dimension)) {
  const { backend, seen } = watchedBackend();
  const error = await rejection(fit(backend, source, { ...usual, ...options }));
  // Refused before any work on the device.
  expect(seen).toEqual({ peak: 0, disposed: 0, runs: 0 });
  return error;
}

describe('options out of range', () => {
  it.each([
    [{ prototypes: 0 }, 'prototypes must be a whole number >= 1, but is 0'],
    [{ prototypes: 2.5 }, 'prototypes must be a whole number >= 1, but is 2.5'],
    [{ prototypes: NaN }, 'prototypes must be a whole number >= 1, but is NaN'],
    [{ restarts: 0 }, 'restarts must be a whole number >= 1, but is 0'],
    [{ records: 0 }, 'records must be a whole number >= 1, but is 0'],
    [{ batch: 0 }, 'batch must be a whole number >= 1, but is 0'],
    [{ batch: Infinity }, 'batch must be a whole number >= 1, but is Infinity'],
    [{ epochs: 0 }, 'epochs must be a whole number >= 1, but is 0'],
    [{ steps: 1.5 }, 'steps must be a whole number >= 1, but is 1.5'],
    [{ seed: -1 }, 'seed must be a whole number >= 0, but is -1'],
    [{ learningRate: 0 }, 'learningRate must be a number > 0, but is 0. The default is 0.3.'],
    [{ learningRate: 0, optimizer: adam() }, 'learningRate must be a number > 0, but is 0. The default is 0.1.'],
    [
      { learningRate: 1.1 },
      'learningRate is the share of a step in a running average for mass preconditioned, so at most 1, but is 1.1',
    ],
    [{ learningRate: NaN }, 'learningRate must be a number > 0'],
    [{ learningRate: Infinity }, 'learningRate must be a number > 0'],
    [{ refinement: { passes: -1 } }, 'refinement.passes must be a whole number >= 0, but is -1'],
    [{ refinement: { passes: 1.5 } }, 'refinement.passes must be a whole number >= 0, but is 1.5'],
    [{ refinement: { tolerance: -1 } }, 'refinement.tolerance must be a share from 0 to below 1, but is -1'],
    [{ refinement: { tolerance: 1 } }, 'refinement.tolerance must be a share from 0 to below 1, but is 1'],
    [{ refinement: { tolerance: NaN } }, 'refinement.tolerance must be a share from 0 to below 1, but is NaN'],
    [
      { refinement: { passes: 1 }, optimizer: sgd() },
      'refinement sets prototypes to means of their tokens, which sgd does not do',
    ],
    [{ tokenMemory: -1 }, 'tokenMemory must be a number of bytes >= 0, but is -1'],
    [{ tokenMemory: NaN }, 'tokenMemory must be a number of bytes >= 0, but is NaN'],
  ] as const)('%j', async (options, text) => {
    const error = await refusal(options);
    expect(error.code).toBe('argument');
    expect(error.message).toContain(text);
  });

  it('are refused before a pass over the tokens', async () => {
    const source = tokensFromIterable({
      dimension,
      open() {
        throw new Error('the tokens were asked for');
      },
    });
    expect((await refusal({ steps: 0 }, source)).code).toBe('argument');
  });
});

describe('temperatures', () => {
  const critical = async (): Promise<number> =>
    (await fit(cpuBackend(), sourceOf(tokens, dimension), usual)).model.criticalTemperature;

  it.each([0, -1, NaN, Infinity])('%d is refused', async (temperature) => {
    const error = await refusal({ temperature });
    expect(error.code).toBe('temperature');
    expect(error.message).toContain(
      `The temperature must be > 0, but is ${temperature}. Use 'auto', or a number below T_c = `,
    );
  });

  it('T_c and above are refused with T, T_c and the remedy', async () => {
    const t = await critical();
    for (const temperature of [t, 2 * t]) {
      const error = await refusal({ temperature });
      expect(error.code).toBe('temperature');
      const short = (value: number): string => Number(value.toPrecision(4)).toString();
      expect(error.message).toBe(
        `The temperature T = ${short(temperature)} is not below the critical temperature T_c = ${short(t)} of these tokens; at or above it all prototypes collapse into one point. Use 'auto', or a number below ${short(t)}.`,
      );
    }
  });

  it.each([
    ['float32', 1e-38],
    ['float32', { ofCritical: 1e-300 }],
    ['float64', { ofCritical: 1e-305 }],
  ] as const)('one below the range of %s is refused at once, with the lowest', async (dtype, temperature) => {
    const error = await refusal({ temperature, dtype });
    expect(error.code).toBe('temperature');
    const [, text] = /the logits leave the range of float\d\d: it must be at least (\S+) for these tokens/.exec(
      error.message,
    )!;
    // Which works, down to the last digit shown.
    const lowest = { ...usual, dtype, temperature: 1.01 * Number(text) };
    const { quantities } = await fit(cpuBackend(), sourceOf(tokens, dimension), lowest);
    expect(quantities.loss.lq).toBeCloseTo(quantities.loss.hard, 5);
  });

  it('just below T_c is allowed', async () => {
    const temperature = 0.999 * (await critical());
    expect((await fit(cpuBackend(), sourceOf(tokens, dimension), { ...usual, temperature })).model.temperature).toBe(
      temperature,
    );
  });
});

describe('tokens', () => {
  it('no token', async () => {
    expect(await refusal({}, sourceOf(new Float64Array(0), dimension))).toMatchObject({
      code: 'data',
      message: expect.stringContaining('There is no token of positive weight among 0'),
    });
  });

  it('no token of positive weight', async () => {
    expect(await refusal({}, sourceOf(tokens, dimension, new Float64Array(60)))).toMatchObject({
      code: 'data',
      message: expect.stringContaining('no token of positive weight among 60'),
    });
  });

  it('NaN and infinity are refused with the number of the token', async () => {
    // In the second of two blocks of a stream, so that the number is that of the whole pass.
    const inBlocks = (data: Float64Array) =>
      tokensFromIterable({
        dimension,
        async *open() {
          for (let start = 0; start < 60; start += 40) {
            const rows = Math.min(40, 60 - start);
            yield { data: data.subarray(start * dimension, (start + rows) * dimension), rows };
          }
        },
      });
    for (const [bad, text] of [
      [NaN, 'NaN'],
      [Infinity, 'Infinity'],
      [-Infinity, '-Infinity'],
    ] as const) {
      const error = await refusal({}, inBlocks(tokens.with(52 * dimension + 1, bad)));
      expect(error.code).toBe('data');
      expect(error.message).toContain(`Token 52 (counted from 0) holds ${text} in component 1; tokens must be finite.`);
    }
  });

  it.each([-1, NaN, Infinity])('the weight %d is refused with the number of the token', async (bad) => {
    const weights = new Float64Array(60).fill(1).with(33, bad);
    const error = await refusal({}, sourceOf(tokens, dimension, weights));
    expect(error).toMatchObject({
      code: 'data',
      message: expect.stringContaining(`Token 33 (counted from 0) has the weight ${bad}`),
    });
  });

  it('fewer distinct tokens than prototypes', async () => {
    // Three distinct tokens, -0 and 0 being the same, and a fourth one without weight.
    const few = Float64Array.from({ length: 60 }, (_, n) => [0, 1, -0, 2, 7][n % 5]!);
    const weights = Float64Array.from({ length: 60 }, (_, n) => (n % 5 === 4 ? 0 : 1));
    const error = await refusal({ prototypes: 4 }, sourceOf(few, 1, weights));
    expect(error.code).toBe('data');
    expect(error.message).toContain(
      '4 prototypes need at least as many distinct tokens, but there are 3. Ask for at most 3.',
    );
    const { quantities } = await fit(cpuBackend(), sourceOf(few, 1, weights), { ...usual, prototypes: 3, steps: 200 });
    expect(quantities).toMatchObject({ used: 1, distinct: 3 });
  });

  it('tokens that are all equal, whatever the number of prototypes', async () => {
    const equal = sourceOf(new Float64Array(60).fill(4), dimension);
    expect((await refusal({ prototypes: 2 }, equal)).message).toContain('there are 1. Ask for at most 1.');
    expect(await refusal({ prototypes: 1 }, equal)).toMatchObject({
      code: 'data',
      message: expect.stringContaining('All tokens are equal'),
    });
  });

  it('so far from 0 that float32 takes what they differ by; in float64 nothing is lost', async () => {
    const far = sourceOf(
      tokens.map((x) => 1e6 + x / 1e3),
      dimension,
    );
    expect(await refusal({}, far)).toMatchObject({
      code: 'data',
      message: expect.stringContaining(
        'float32 rounds numbers of that size by up to 0.10: what sets them apart would be lost',
      ),
    });
    const near = await fit(cpuBackend(), sourceOf(tokens, dimension), { ...usual, dtype: 'float64' });
    const { model, quantities } = await fit(cpuBackend(), far, { ...usual, dtype: 'float64' });
    // 1e6 in float64 leaves 1e-10 of a spread of 1e-3, or 1e-7 of it.
    expect((1e6 * quantities.loss.hard) / near.quantities.loss.hard).toBeCloseTo(1, 5);
    // Prototypes that are held in float64 are applied in float32 where their own units do not matter.
    const own = { dtype: 'float32' } as const;
    const codes = await rowsOf(encodeTokens(cpuBackend(), model, far, 'codes', own));
    expect(codes).toEqual(await rowsOf(encodeTokens(cpuBackend(), model, far, 'codes')));
    for (const encoded of [
      encodeTokens(cpuBackend(), model, far, 'outputs', own),
      encodeSegments(cpuBackend(), model, far, new Int32Array(60), 'pooled', own),
    ])
      expect((await rejection(rowsOf(encoded))).message).toContain('float32 rounds numbers of that size');
    expect(() => readoutProgram(model)).toThrow('A program takes tokens as they come, in float32');
  });

  it('a reader that gives blocks of the wrong length', async () => {
    const broken = tokensFromReader({
      dimension,
      tokens: 60,
      read: async (start, count) => ({ data: tokens.subarray(start, start + count), rows: count }),
    });
    expect((await refusal({}, broken)).code).toBe('shape');
  });

  it.each([
    [() => tokensFromArray(tokens, 7), 'are not a whole number of tokens of dimension 7'],
    [() => tokensFromArray(tokens, 0), 'dimension 0'],
    [() => tokensFromArray(tokens, 3, new Float64Array(59)), 'There are 60 tokens but 59 weights'],
  ])('an array of the wrong length', (make, text) => {
    expect(make).toThrow(text);
  });

  it('a bare generator is no source', () => {
    expect(() => tokensFromIterable({ dimension, open: [] as never })).toThrow('give a function that opens a new pass');
  });
});

describe('given prototypes', () => {
  it.each([
    [new Float64Array(11), 'shape', 'take 4 x 3 = 12 numbers, but 11 came'],
    [new Float64Array(12).fill(NaN, 7, 8), 'data', 'prototype 2 holds NaN'],
  ] as const)('that do not fit', async (start, code, text) => {
    const error = await rejection(fit(cpuBackend(), sourceOf(tokens, dimension), { ...usual, start }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });
});

describe('one prototype', () => {
  it.each([
    // Adam ends within its last rate (a thousandth of a deviation) of the minimum; a mean is one to rounding.
    [adam(), 400, 1e-3],
    [massPreconditioned(), 1, 1e-12],
  ] as const)('ends at the mean, with the Hessian 2 I: $name', async (optimizer, steps, tolerance) => {
    const { model, stability, statistics, quantities } = await fit(cpuBackend(), sourceOf(tokens, dimension), {
      prototypes: 1,
      dtype: 'float64',
      optimizer,
      steps,
      batch: 60,
    });
    model.prototypes.forEach((x, axis) =>
      expect(Math.abs(x - statistics.mean[axis]!)).toBeLessThan(tolerance * statistics.frame.scale),
    );
    expect(stability.lambdaMin).toBeCloseTo(2, 9);
    expect(stability.maxLearningRate).toBeCloseTo(1, 9);
    expect(quantities).toMatchObject({
      used: 1,
      distinct: 1,
      entropy: 0,
      perplexity: 1,
      separation: { mean: 0, min: 0 },
    });
    expect(quantities.loss.v).toBeCloseTo(0, 12);
  });
});

it.each([30, 60])('a fit whose steps run away stops, naming the step; batches of %i', async (batch) => {
  const options = { ...usual, batch, steps: 8, optimizer: sgd(), learningRate: 1e30 };
  const backend = withSmallBuffers(30 * dimension * 8);
  const error = await rejection(fit(backend, sourceOf(tokens, dimension), options));
  expect(error.code).toBe('data');
  expect(error.message).toMatch(/The loss of step [12], or its gradient, was not finite/);
  expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
});

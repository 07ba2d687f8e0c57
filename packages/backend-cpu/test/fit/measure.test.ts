import { createRandom } from '@ddcl/core';
import {
  encodeTokens,
  fit,
  measureSource,
  prototypeState,
  tokensFromArray,
  tokensFromIterable,
  tokensFromReader,
  tokenStatistics,
  type TokenBlock,
  type TokenSource,
} from '@ddcl/core/fit';
import type { Backend, FloatDType } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { momentsOf, rowsOf, squaredDistance, sumsOf } from '../../../core/test/support/oracle.ts';
import { cpuBackend } from '../../src/index.ts';

/** Three clusters with spreads from 1 to 0.2 per component, as float32 numbers; every seventh token has weight 0.5. */
function clusters(tokens: number, dimension: number, seed: number): { data: Float32Array; weights: Float64Array } {
  const random = createRandom(seed);
  const centres = Array.from({ length: 3 * dimension }, () => 1.5 * random.normal());
  const data = Float32Array.from({ length: tokens * dimension }, (_, index) => {
    const [token, axis] = [Math.floor(index / dimension), index % dimension];
    return centres[(token % 3) * dimension + axis]! + (1 - (0.8 * axis) / dimension) * random.normal();
  });
  return { data, weights: Float64Array.from({ length: tokens }, (_, index) => (index % 7 === 6 ? 0.5 : 1)) };
}

interface Setting {
  readonly backend: Backend;
  readonly dtype: FloatDType;
  readonly tokens: Float32Array;
  readonly weights: Float64Array;
  readonly dimension: number;
  readonly count: number;
}

const statisticsOf = (source: TokenSource) => tokenStatistics(source, { random: createRandom(0), sampleSize: 1 });

/** Measures prototypes (tokens pulled halfway to the mean) at shares of T_c; beside it the naive sums. */
async function measured({ backend, dtype, tokens, weights, dimension, count }: Setting, share: number) {
  const source = tokensFromReader(tokensFromArray(tokens, dimension, weights));
  const statistics = await statisticsOf(source);
  const prototypes = Float64Array.from({ length: count * dimension }, (_, index) => {
    const mean = statistics.mean[index % dimension]!;
    return mean + 0.5 * (tokens[index]! - mean);
  });
  const temperature = share * statistics.criticalTemperature;
  const state = prototypeState(prototypes, dimension, temperature, statistics.frame, dtype);
  const quantities = await measureSource(backend, source, state, statistics);
  const sums = sumsOf({
    tokens: rowsOf(tokens, dimension),
    weights: Array.from(weights),
    prototypes: rowsOf(prototypes, dimension),
    temperature,
  });
  return { quantities, sums, weight: statistics.weight };
}

const shares = [0.9, 0.3, 0.1, 0.03, 0.01, 0.003];
/** Acceptance 3 of the foundation; in float64 the sums are held to 1e-10: cancellation costs (1000 / spread)^2 of 1e-16. */
const allowed = { float32: { defect: 1e-5, sum: 1e-5 }, float64: { defect: 1e-12, sum: 1e-10 } } as const;

describe.each([
  ['fused', true],
  ['decomposed', false],
] as const)('L_q = L_OLS + V, measured, %s', (_, fused) => {
  const backend = cpuBackend({ fused });

  describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
    it.each([
      ['as they are', 6, 400, (x: number) => x],
      ['shifted by 1000', 6, 400, (x: number) => x + 1000],
      ['scaled by 1e-3', 6, 400, (x: number) => x * 1e-3],
      ['scaled by 1e3', 6, 400, (x: number) => x * 1e3],
      ['of 384 components', 384, 120, (x: number) => x],
      ['of 384 components, shifted by 1000', 384, 120, (x: number) => x + 1000],
    ] as const)('holds for tokens %s, and each term is its own naive sum', async (__, dimension, tokens, change) => {
      const { data, weights } = clusters(tokens, dimension, 5);
      for (const share of shares) {
        const setting = { backend, dtype, tokens: data.map(change), weights, dimension, count: 8 };
        const { quantities, sums, weight } = await measured(setting, share);
        const { lq, lols, v, hard, defect } = quantities.loss;
        expect(defect, `defect at ${share} T_c`).toBeLessThanOrEqual(allowed[dtype].defect);
        for (const [name, actual, expected] of [
          ['lq', lq, sums.lq / weight],
          ['lols', lols, sums.lols / weight],
          ['v', v, sums.v / weight],
          ['hard', hard, sums.hard / weight],
        ] as const) {
          expect(Math.abs(actual / expected - 1), `${name} at ${share} T_c`).toBeLessThanOrEqual(allowed[dtype].sum);
        }
      }
      expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    });
  });
});

describe('the other quantities', () => {
  const { data, weights } = clusters(300, 4, 6);
  const setting: Setting = { backend: cpuBackend(), dtype: 'float64', tokens: data, weights, dimension: 4, count: 5 };

  it('are those of the naive sums', async () => {
    const { quantities, sums, weight } = await measured(setting, 0.05);
    const shares = sums.mass.map((mass) => mass / weight);
    expect(quantities.weight).toBeCloseTo(weight, 9);
    expect(quantities.entropy).toBeCloseTo(sums.entropy / weight, 11);
    expect(quantities.perplexity).toBeCloseTo(Math.exp(-shares.reduce((t, q) => t + q * Math.log(q), 0)), 11);
    expect(Array.from(quantities.shares)).toEqual(sums.wins.map((win) => expect.closeTo(win / weight, 12)));
    expect(quantities.used).toBe(sums.wins.filter((win) => win > 0).length / 5);
  });

  it("separation and distinct are those of the prototypes in the tokens' units", async () => {
    const source = tokensFromReader(tokensFromArray(data, 4));
    const statistics = await statisticsOf(source);
    const joining = 0.05 * Math.sqrt(momentsOf(rowsOf(data, 4)).trace);
    // 0 and 1 are joined, 2 is far from both, 3 just far enough from 2.
    const prototypes = Float64Array.from([0, 0, 0, 0, 0.99 * joining, 0, 0, 0, 9, 0, 0, 0, 9, 1.01 * joining, 0, 0]);
    const state = prototypeState(prototypes, 4, 1, statistics.frame, 'float64');
    const quantities = await measureSource(cpuBackend(), source, state, statistics);
    expect(quantities.distinct).toBe(3);
    const rows = rowsOf(prototypes, 4);
    const pairs = rows.flatMap((a, i) => rows.slice(0, i).map((b) => Math.sqrt(squaredDistance(a, b))));
    expect(quantities.separation.min).toBeCloseTo(Math.min(...pairs), 12);
    expect(quantities.separation.mean).toBeCloseTo(pairs.reduce((a, b) => a + b) / pairs.length, 12);
  });

  it('an unused prototype is not counted as used', async () => {
    const source = tokensFromReader(tokensFromArray(data, 4));
    const statistics = await statisticsOf(source);
    const prototypes = Float64Array.from([0, 0, 0, 0, 1, 1, 1, 1, 500, 500, 500, 500]);
    const state = prototypeState(prototypes, 4, 1, statistics.frame, 'float64');
    expect((await measureSource(cpuBackend(), source, state, statistics)).used).toBe(2 / 3);
  });
});

describe('measureSource', () => {
  const { data } = clusters(50, 3, 7);

  it('refuses tokens without weight', async () => {
    const source = tokensFromReader(tokensFromArray(data, 3, new Float32Array(50)));
    const state = prototypeState(Float64Array.of(0, 0, 0), 3, 1, { offset: new Float64Array(3), scale: 1 }, 'float32');
    const backend = cpuBackend();
    await expect(measureSource(backend, source, state, { tokens: 50, totalVariance: 1 })).rejects.toThrow(
      'No token has a positive weight',
    );
    expect(backend.memory().buffers).toBe(0);
  });

  it('gives everything back when the source breaks in the middle, or is stopped', async () => {
    const backend = { ...cpuBackend() };
    const state = prototypeState(Float64Array.of(0, 0, 0), 3, 1, { offset: new Float64Array(3), scale: 1 }, 'float32');
    const block: TokenBlock = { data: data.subarray(0, 30), rows: 10 };
    const broken = tokensFromIterable({
      dimension: 3,
      async *open() {
        yield block;
        yield block;
        throw new Error('the disk is gone');
      },
    });
    // A block of the device holds 8 tokens, so two were measured when it breaks.
    await expect(measureSource(backend, broken, state, { tokens: 8, totalVariance: 1 })).rejects.toThrow(
      'the disk is gone',
    );
    expect(backend.memory().buffers).toBe(0);
    const controller = new AbortController();
    const source = tokensFromReader(tokensFromArray(data, 3));
    const stopped = measureSource(backend, source, state, {
      tokens: 8,
      totalVariance: 1,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(backend.memory().buffers).toBe(0);
  });
});

describe('codes', () => {
  it('come with a measurement that is asked for them, one a token in stored order, and change nothing else', async () => {
    const dimension = 3;
    const { data } = clusters(5000, dimension, 6);
    const source = tokensFromReader(tokensFromArray(data, dimension));
    const onCodes: number[][] = [];
    const options = { prototypes: 9, steps: 12, restarts: 2, seed: 1 };
    const fitted = await fit(cpuBackend(), source, { ...options, onCodes: (codes) => onCodes.push([...codes]) });
    const plain = await fit(cpuBackend(), source, options);
    expect(fitted.model.prototypes).toEqual(plain.model.prototypes);
    expect(fitted.quantities).toEqual(plain.quantities);

    const wanted: number[] = [];
    for await (const { data: codes } of encodeTokens(cpuBackend(), fitted.model, source, 'codes'))
      wanted.push(...codes);
    expect(wanted).toHaveLength(5000);
    expect(onCodes.flat()).toEqual(wanted);
    // Counted, they are the shares of the measurement.
    const counts = new Float64Array(9);
    for (const code of wanted) counts[code]!++;
    expect(Array.from(counts, (count) => count / 5000)).toEqual(Array.from(fitted.quantities.shares));
  });
});

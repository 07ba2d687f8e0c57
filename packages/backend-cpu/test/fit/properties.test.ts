import { assign, createRandom, lossAndGradient, tensorType, trace } from '@ddcl/core';
import {
  encodeTokens,
  measureSource,
  prototypeState,
  tokensFromArray,
  tokensFromIterable,
  tokensFromReader,
  tokenStatistics,
  type TokenSource,
} from '@ddcl/core/fit';
import type { Backend, FloatDType } from '@ddcl/core/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuBackend } from '../../src/index.ts';

/** Each property is tried on this many random problems; the seed is fixed, so that a failure can be repeated. */
const settings = { numRuns: 60, seed: 20_260 };

interface Drawn {
  readonly tokens: Float64Array;
  readonly weights: Float64Array;
  readonly prototypes: Float64Array;
  readonly dimension: number;
  readonly temperature: number;
  readonly dtype: FloatDType;
  readonly fused: boolean;
}

/** Problems of up to 40 tokens: spreads of 1 and, now and then, a mean far away; temperatures over four decades. */
const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    seed: fc.nat(),
    tokens: fc.integer({ min: 2, max: 40 }),
    count: fc.integer({ min: 1, max: 6 }),
    dimension: fc.integer({ min: 1, max: 5 }),
    logTemperature: fc.double({ min: -2, max: 2, noNaN: true }),
    shift: fc.constantFrom(0, 0, 100),
    dtype: fc.constantFrom<FloatDType[]>('float32', 'float64'),
    fused: fc.boolean(),
  })
  .map(({ seed, tokens, count, dimension, logTemperature, shift, dtype, fused }) => {
    const random = createRandom(seed);
    const normals = (length: number): Float64Array => Float64Array.from({ length }, () => shift + random.normal());
    return {
      tokens: normals(tokens * dimension),
      weights: Float64Array.from({ length: tokens }, (_, n) =>
        n > 0 && random.uniform() < 0.2 ? 0 : random.uniform() + 0.1,
      ),
      prototypes: normals(count * dimension),
      dimension,
      temperature: 10 ** logTemperature,
      dtype,
      fused,
    };
  });

const sourceOf = ({ tokens, dimension, weights }: Pick<Drawn, 'tokens' | 'dimension' | 'weights'>): TokenSource =>
  tokensFromReader(tokensFromArray(tokens, dimension, weights));

/** A backend whose device blocks hold at most `rows` tokens. */
function withBlocks(backend: Backend, rows: number, { dimension, prototypes, dtype }: Drawn): Backend {
  const width = Math.max(dimension, prototypes.length / dimension) * (dtype === 'float32' ? 4 : 8);
  return { ...backend, capabilities: { ...backend.capabilities, maxBufferBytes: rows * width } };
}

/** All measured numbers in a row; the frame is that of the original tokens, whatever the source says. */
async function measure(
  problem: Drawn,
  source: TokenSource = sourceOf(problem),
  backend: Backend = cpuBackend(problem),
): Promise<number[]> {
  const statistics = await tokenStatistics(sourceOf(problem), { random: createRandom(0), sampleSize: 1 });
  const state = prototypeState(
    problem.prototypes,
    problem.dimension,
    problem.temperature,
    statistics.frame,
    problem.dtype,
  );
  const { loss, shares, weight, entropy, perplexity } = await measureSource(backend, source, state, statistics);
  return [loss.lq, loss.lols, loss.v, loss.hard, entropy, perplexity, weight, ...shares];
}

/** Sums of up to 40 numbers in another order; float32 results of blocks are rounded once per block (6e-8 each). */
const rounding = { float32: 1e-6, float64: 1e-12 } as const;

function expectClose(actual: readonly number[], expected: readonly number[], { dtype }: Drawn): void {
  expect(actual).toHaveLength(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  expected.forEach((number, index) => {
    // Entropies and shares have their own unit, 1.
    expect(Math.abs(actual[index]! - number)).toBeLessThanOrEqual(
      rounding[dtype] * Math.max(1, index < 4 ? scale : Math.abs(number)),
    );
  });
}

const check = (property: (problem: Drawn, random: () => number) => Promise<void>): Promise<void> =>
  fc.assert(
    fc.asyncProperty(drawn, fc.nat(), (problem, seed) => {
      const random = createRandom(seed);
      return property(problem, () => random.uniform());
    }),
    settings,
  );

describe('for any tokens, weights, prototypes and temperature', () => {
  it('V >= 0, and so are the other parts', () =>
    check(async (problem) => {
      const [lq, lols, v, hard, entropy] = await measure(problem);
      for (const part of [lq, lols, v, hard, entropy]) expect(part).toBeGreaterThanOrEqual(0);
      // A mixture of distances is no less than the smallest.
      expect(lq).toBeGreaterThanOrEqual(hard! * (1 - rounding[problem.dtype]));
    }));

  it('rows of Q sum to 1', () =>
    check(async ({ tokens, prototypes, dimension, temperature, dtype, fused }) => {
      const backend = cpuBackend({ fused });
      const [n, count] = [tokens.length / dimension, prototypes.length / dimension];
      const types = [
        tensorType(dtype, [n, dimension]),
        tensorType(dtype, [count, dimension]),
        tensorType(dtype, []),
      ] as const;
      const executable = await backend.compile(
        trace(types, (z, p, t) => [assign({ tokens: z, prototypes: p, temperature: t })]),
      );
      const data = [tokens, prototypes, [temperature]].map((numbers) =>
        dtype === 'float32' ? Float32Array.from(numbers) : Float64Array.from(numbers),
      );
      const inputs = types.map((type, index) => backend.upload({ dtype, shape: type.shape as number[] }, data[index]!));
      const [result] = await executable.run(inputs);
      const q = await backend.download(result!);
      for (let row = 0; row < n; row++) {
        const shares = Array.from(q.subarray(row * count, (row + 1) * count));
        for (const share of shares) expect(share).toBeGreaterThanOrEqual(0);
        // K <= 6 numbers, each rounded once or twice.
        expect(Math.abs(shares.reduce((a, b) => a + b) - 1)).toBeLessThanOrEqual(dtype === 'float32' ? 6e-7 : 1e-15);
      }
    }));

  it('tokens of weight 0 change nothing, whatever finite numbers they hold', () =>
    check(async (problem, random) => {
      const { tokens, weights, dimension } = problem;
      const extremes = [1e300, -1e300, 1.7e308, 1e30, 5e-324, 0, -0, 12];
      const other = tokens.map((x, index) =>
        weights[Math.floor(index / dimension)] === 0 ? extremes[Math.floor(random() * extremes.length)]! : x,
      );
      const changed = sourceOf({ ...problem, tokens: other });
      expect(await measure(problem, changed)).toEqual(await measure(problem));
      const options = { random: createRandom(1), sampleSize: 9, countDistinctUpTo: 9 };
      expect(await tokenStatistics(changed, options)).toEqual(await tokenStatistics(sourceOf(problem), options));
    }));

  it('the order of tokens changes nothing beyond rounding', () =>
    check(async (problem) => {
      const { tokens, dimension } = problem;
      const order = createRandom(tokens.length).permutation(tokens.length / dimension);
      const shuffled = Float64Array.from(
        tokens,
        (_, index) => tokens[order[Math.floor(index / dimension)]! * dimension + (index % dimension)]!,
      );
      const weights = Float64Array.from(order, (row) => problem.weights[row]!);
      expectClose(
        await measure(problem, sourceOf({ ...problem, tokens: shuffled, weights })),
        await measure(problem),
        problem,
      );
    }));

  it('blocks of any size give the same sums, those of the source and those of the device', () =>
    check(async (problem, random) => {
      const { tokens, dimension, weights } = problem;
      const cut = tokensFromIterable({
        dimension,
        async *open() {
          for (let start = 0, rows = 0; start < weights.length; start += rows) {
            rows = Math.min(weights.length - start, 1 + Math.floor(9 * random()));
            yield {
              data: tokens.subarray(start * dimension, (start + rows) * dimension),
              rows,
              weights: weights.subarray(start, start + rows),
            };
          }
        },
      });
      const whole = await measure(problem);
      // How a source cuts its tokens decides nothing at all.
      expect(await measure(problem, cut)).toEqual(whole);
      const rows = 1 + Math.floor(16 * random());
      expectClose(await measure(problem, cut, withBlocks(cpuBackend(problem), rows, problem)), whole, problem);
    }));

  it('gradients of blocks add up to that of the whole, padding included', () =>
    check(async ({ tokens, weights, prototypes, dimension, temperature, fused }, random) => {
      const backend = cpuBackend({ fused });
      const count = prototypes.length / dimension;
      const gradient = async (from: number, to: number, padding: number): Promise<number[]> => {
        const n = to - from + padding;
        const types = [[n, dimension], [n], [count, dimension], []].map((shape) => ({
          dtype: 'float64' as const,
          shape,
        }));
        const padded = (data: Float64Array, width: number): Float64Array => {
          const result = new Float64Array(n * width);
          result.set(data.subarray(from * width, to * width));
          return result;
        };
        const program = trace(types, (...x) =>
          Object.values(lossAndGradient({ tokens: x[0]!, weights: x[1]!, prototypes: x[2]!, temperature: x[3]! })),
        );
        const data = [padded(tokens, dimension), padded(weights, 1), prototypes, Float64Array.of(temperature)];
        const results = await (
          await backend.compile(program)
        ).run(types.map((type, index) => backend.upload(type, data[index]!)));
        return (await Promise.all(results.map(async (result) => Array.from(await backend.download(result))))).flat();
      };
      const n = weights.length;
      const split = Math.floor(random() * (n + 1));
      const whole = await gradient(0, n, 0);
      const [first, second] = [await gradient(0, split, 3), await gradient(split, n, 1)];
      const scale = Math.max(...whole.map(Math.abs)) + Math.max(...first.map(Math.abs));
      // Tokens at 100 with a spread of 1 cost four digits where no frame takes the mean off.
      whole.forEach((number, index) =>
        expect(Math.abs(first[index]! + second[index]! - number)).toBeLessThanOrEqual(1e-9 * scale),
      );
    }));
});

describe('weights', () => {
  it('a token of weight 2 is the token twice', () =>
    check(async (problem) => {
      const { tokens, weights, dimension } = problem;
      const doubled = { ...problem, weights: weights.map((a, n) => (n === 0 ? 2 * a : a)) };
      const twice = {
        ...problem,
        tokens: Float64Array.from([...tokens, ...tokens.subarray(0, dimension)]),
        weights: Float64Array.from([...weights, weights[0]!]),
      };
      const options = { random: createRandom(1), sampleSize: 1 };
      const [a, b] = [
        await tokenStatistics(sourceOf(doubled), options),
        await tokenStatistics(sourceOf(twice), options),
      ];
      expect(a.weight).toBeCloseTo(b.weight, 12);
      expect(Array.from(a.mean)).toEqual(Array.from(b.mean, (x) => expect.closeTo(x, 10)));
      expect(Math.abs(a.criticalTemperature - b.criticalTemperature)).toBeLessThanOrEqual(1e-9 * b.criticalTemperature);
      expectClose(await measure(problem, sourceOf(doubled)), await measure(problem, sourceOf(twice)), problem);
    }));

  it('weights do not reach the outputs of tokens', async () => {
    const data = Float64Array.of(0, 1, 2, 7);
    const model = {
      count: 2,
      dimension: 1,
      dtype: 'float64',
      prototypes: Float64Array.of(0, 3),
      temperature: 1,
      criticalTemperature: 9,
      offset: Float64Array.of(1),
      scale: 2,
      totalVariance: 1,
    } as const;
    const all = async (weights: Float64Array): Promise<number[]> => {
      const numbers: number[] = [];
      for await (const { data: part } of encodeTokens(
        cpuBackend(),
        model,
        tokensFromReader(tokensFromArray(data, 1, weights)),
        'outputs',
      ))
        numbers.push(...part);
      return numbers;
    };
    expect(await all(Float64Array.of(1, 0, 2, 0))).toEqual(await all(Float64Array.of(1, 1, 1, 1)));
  });
});

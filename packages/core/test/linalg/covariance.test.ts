import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMomentAccumulator, type Moments } from '../../src/linalg/covariance.ts';
import { createRandom } from '../../src/random/random.ts';
import { codeOf } from '../support/thrown.ts';

/** Two passes over all rows: the definition. */
function byDefinition(data: ArrayLike<number>, m: number, weights: ArrayLike<number>): Omit<Moments, 'rows'> {
  const n = weights.length;
  const weight = Array.from(weights).reduce((sum, a) => sum + a, 0);
  const mean = new Float64Array(m);
  for (let r = 0; r < n; r += 1) for (let c = 0; c < m; c += 1) mean[c]! += (weights[r]! * data[r * m + c]!) / weight;
  const covariance = new Float64Array(m * m);
  for (let r = 0; r < n; r += 1) {
    for (let i = 0; i < m; i += 1) {
      for (let j = 0; j < m; j += 1) {
        covariance[i * m + j]! +=
          (weights[r]! * (data[r * m + i]! - mean[i]!) * (data[r * m + j]! - mean[j]!)) / weight;
      }
    }
  }
  let trace = 0;
  for (let i = 0; i < m; i += 1) trace += covariance[i * m + i]!;
  return { weight, mean, covariance, trace };
}

function expectClose(actual: Moments, expected: Omit<Moments, 'rows'>, tolerance: number): void {
  expect(Math.abs(actual.weight - expected.weight)).toBeLessThanOrEqual(tolerance * expected.weight);
  expect(Math.abs(actual.trace - expected.trace)).toBeLessThanOrEqual(tolerance);
  actual.mean.forEach((value, i) => expect(Math.abs(value - expected.mean[i]!)).toBeLessThanOrEqual(tolerance));
  actual.covariance?.forEach((value, i) =>
    expect(Math.abs(value - expected.covariance![i]!)).toBeLessThanOrEqual(tolerance),
  );
}

/** A stream of m columns cut into blocks, with weights of which some are 0. */
const streams = fc
  .integer({ min: 1, max: 5 })
  .chain((m) =>
    fc.tuple(
      fc.constant(m),
      fc.array(
        fc.array(
          fc.tuple(
            fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: m, maxLength: m }),
            fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 3, noNaN: true })),
          ),
          { maxLength: 9 },
        ),
        { minLength: 1, maxLength: 4 },
      ),
    ),
  );

describe('createMomentAccumulator', () => {
  it('agrees with two passes, however the stream is cut', () => {
    fc.assert(
      fc.property(streams, fc.constantFrom(2048, 0), ([m, blocks], maxCovarianceDimension) => {
        const all = blocks.flat();
        fc.pre(all.some(([, a]) => a > 0));
        const expected = byDefinition(
          all.flatMap(([row]) => row),
          m,
          all.map(([, a]) => a),
        );
        const added = createMomentAccumulator(m, { maxCovarianceDimension });
        const whole = createMomentAccumulator(m, { maxCovarianceDimension });
        whole.addRows(
          Float64Array.from(all.flatMap(([row]) => row)),
          Float64Array.from(all, ([, a]) => a),
        );
        for (const block of blocks) {
          const data = Float64Array.from(block.flatMap(([row]) => row));
          const weights = Float64Array.from(block, ([, a]) => a);
          added.addRows(data, weights);
        }
        for (const accumulator of [added, whole]) {
          const result = accumulator.result();
          expectClose(result, expected, 1e-12);
          expect(result.rows).toBe(all.filter(([, a]) => a > 0).length);
          expect(result.covariance === undefined).toBe(maxCovarianceDimension === 0);
        }
      }),
    );
  });

  it('has its closed form for two rows', () => {
    const accumulator = createMomentAccumulator(2);
    accumulator.addRows(new Float32Array([0, 0, 4, 8]), new Float32Array([3, 1]));
    expect(accumulator.weight).toBe(4);
    // p (1 - p) d d^T with p = 1/4, d = (4, 8).
    expect(accumulator.result()).toEqual({
      weight: 4,
      rows: 2,
      mean: new Float64Array([1, 2]),
      covariance: new Float64Array([3, 6, 6, 12]),
      trace: 15,
    });
  });

  it('does not lose the spread beside a large mean', () => {
    const random = createRandom(1);
    const noise = Float64Array.from({ length: 3 * 1000 }, () => Math.round(random.normal() * 1024) / 1024);
    const near = createMomentAccumulator(3);
    near.addRows(noise);
    for (const [first, second] of [
      [noise.subarray(0, 1200), noise.subarray(1200)],
      [noise, new Float64Array(0)],
    ] as const) {
      const far = createMomentAccumulator(3);
      far.addRows(first.map((x) => x + 2 ** 30));
      far.addRows(second.map((x) => x + 2 ** 30));
      expectClose(far.result(), { ...near.result(), mean: near.result().mean.map((x) => x + 2 ** 30) }, 1e-7);
      far.result().covariance!.forEach((value, i) => expect(value).toBeCloseTo(near.result().covariance![i]!, 12));
    }
  });

  it('gives constant columns no variance, never a negative one', () => {
    const accumulator = createMomentAccumulator(2);
    for (let i = 0; i < 7; i += 1) accumulator.addRows(new Float64Array([0.1, 0.3]), new Float64Array([0.7]));
    const { covariance, trace } = accumulator.result();
    expect(covariance).toEqual(new Float64Array(4));
    expect(trace).toBe(0);
  });

  it('never gives a negative variance to what is constant but for its first row', () => {
    for (let i = 0; i < 200; i += 1) {
      for (const maxCovarianceDimension of [2048, 0]) {
        const accumulator = createMomentAccumulator(1, { maxCovarianceDimension });
        accumulator.addRows(
          new Float64Array([1, i / 7, i / 7, i / 7, i / 7]),
          new Float64Array([1e-30, 1, 0.3, 0.7, 0.1]),
        );
        const { covariance, trace } = accumulator.result();
        expect(trace).toBeGreaterThanOrEqual(0);
        expect(trace).toBeLessThan(1e-12);
        if (covariance !== undefined) expect(covariance[0]).toBe(trace);
      }
    }
  });

  it('keeps mean and trace alone above the limit', () => {
    const random = createRandom(2);
    const data = Float32Array.from({ length: 2049 * 5 }, () => random.normal());
    const large = createMomentAccumulator(2049);
    large.addRows(data);
    const { covariance, mean, trace } = large.result();
    const expected = byDefinition(data, 2049, new Float64Array(5).fill(1));
    expect(covariance).toBe(undefined);
    expect(mean.length).toBe(2049);
    expect(Math.abs(trace - expected.trace)).toBeLessThan(1e-9);
  });

  it('skips rows of weight 0 whatever they hold', () => {
    const accumulator = createMomentAccumulator(1);
    accumulator.addRows(new Float64Array([NaN, 2, 4, Infinity]), new Float64Array([0, 1, 1, 0]));
    expect(accumulator.result()).toEqual({
      weight: 2,
      rows: 2,
      mean: new Float64Array([3]),
      covariance: new Float64Array([1]),
      trace: 1,
    });
  });

  it('adds nothing of a block that it refuses', () => {
    const accumulator = createMomentAccumulator(2);
    accumulator.addRows(new Float64Array([1, 2, 3, 4]));
    const before = accumulator.result();
    expect(codeOf(() => accumulator.addRows(new Float64Array([5, 6, 7, NaN])))).toBe('data');
    expect(codeOf(() => accumulator.addRows(new Float64Array([5, 6, 7])))).toBe('shape');
    expect(codeOf(() => accumulator.addRows(new Float64Array([5, 6]), new Float64Array(2)))).toBe('shape');
    expect(codeOf(() => accumulator.addRows(new Float64Array([5, 6]), new Float64Array([-1])))).toBe('data');
    expect(accumulator.result()).toEqual(before);
  });

  it('refuses empty results and dimensions', () => {
    expect(codeOf(() => createMomentAccumulator(0))).toBe('argument');
    expect(codeOf(() => createMomentAccumulator(2).result())).toBe('data');
  });
});

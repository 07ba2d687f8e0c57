import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import {
  createMomentAccumulator,
  fit,
  modelState,
  measureSource,
  tokensFromArray,
  tokensFromReader,
  tokenStatistics,
  topEigenpairs,
  type DdclModel,
} from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { splitPrototypes } from '../../src/surgery/split.ts';
import { modelOf, rowsOf } from './models.ts';
import { codeOf } from '../thrown.ts';

const dimension = 5;
const tokens = 900;
const random = createRandom(8);
const centres = [
  [0, 0, 0, 0, 0],
  [12, 0, 0, 0, 0],
  [0, 12, 0, 0, 0],
];
/** The second cluster is long, along (0, 0, 0.6, 0.8, 0). */
const data = Float64Array.from({ length: tokens * dimension }, () => random.normal());
for (let n = 0; n < tokens; n++) {
  const cluster = n % 3;
  const along = cluster === 1 ? 3 * random.normal() : 0;
  [0, 0, 0.6, 0.8, 0].forEach((part, axis) => (data[n * dimension + axis]! += centres[cluster]![axis]! + along * part));
}
const weights = Float64Array.from({ length: tokens }, (_, n) => (n % 7 === 0 ? 0 : 1 + (n % 2)));
const source = tokensFromReader(tokensFromArray(data, dimension, weights));

/** Soft cells in float64, term by term. */
function reference(model: DdclModel, temperature: number): { share: number; variance: number; axis: number[] }[] {
  const rows = rowsOf(model);
  const q = Array.from({ length: tokens }, (_, n) => {
    const distances = rows.map((row) => row.reduce((sum, x, axis) => sum + (data[n * dimension + axis]! - x) ** 2, 0));
    const least = Math.min(...distances);
    const terms = distances.map((distance) => Math.exp((least - distance) / temperature));
    return terms.map((term) => term / terms.reduce((sum, own) => sum + own, 0));
  });
  const total = weights.reduce((sum, own) => sum + own, 0);
  return rows.map((_, k) => {
    const moments = createMomentAccumulator(dimension);
    moments.addRows(
      data,
      weights.map((own, n) => own * q[n]![k]!),
    );
    const { covariance, weight } = moments.result();
    const { values, vectors } = topEigenpairs(covariance!, dimension);
    return { share: weight / total, variance: values[0]!, axis: [...vectors] };
  });
}

const model = modelOf(centres, { temperature: 20 });

describe('splitPrototypes', () => {
  it('splits the cells whose own critical temperature lies above T', async () => {
    const expected = reference(model, 20);
    // Only the long cluster has 4 lambda_max (about 4 * 10) above 20.
    expect(expected.map(({ variance }) => 4 * variance > 20)).toEqual([false, true, false]);
    const backend = cpuBackend();
    const { model: after, split } = await splitPrototypes(backend, model, source);
    expect(split).toHaveLength(1);
    expect(split[0]).toMatchObject({ prototype: 1, added: 3 });
    expect(split[0]!.variance / expected[1]!.variance).toBeCloseTo(1, 4);
    expect(split[0]!.share).toBeCloseTo(expected[1]!.share, 8);
    expect(split[0]!.gain).toBeCloseTo(expected[1]!.share * ((4 * expected[1]!.variance) / 20 - 1), 3);
    const rows = rowsOf(after);
    expect(rows.length).toBe(4);
    expect([rows[0], rows[2]]).toEqual([centres[0], centres[2]]);
    const step = 0.1 * Math.sqrt(expected[1]!.variance);
    for (let axis = 0; axis < dimension; axis++) {
      expect(rows[1]![axis]! + rows[3]![axis]!).toBeCloseTo(2 * centres[1]![axis]!, 10);
      expect((rows[1]![axis]! - rows[3]![axis]!) / (2 * step)).toBeCloseTo(expected[1]!.axis[axis]!, 2);
    }
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('weighs cells softly', async () => {
    const near = modelOf(
      [
        [0, 0, 0, 0, 0],
        [3, 0, 0, 0, 0],
        [0, 6, 0, 0, 0],
      ],
      { dtype: 'float32' },
    );
    const expected = reference(near, 12);
    const { split } = await splitPrototypes(cpuBackend(), near, source, { temperature: 12 });
    const unstable = expected.flatMap(({ variance }, k) => (4 * variance > 12 ? [k] : []));
    expect(unstable.length).toBeGreaterThan(1);
    expect(split.map(({ prototype }) => prototype).sort()).toEqual(unstable);
    for (const { prototype, variance } of split) expect(variance / expected[prototype]!.variance).toBeCloseTo(1, 3);
  });

  it('splits one prototype exactly below T_c', async () => {
    const { mean, criticalTemperature } = await tokenStatistics(source, { random: createRandom(0), sampleSize: 1 });
    const one = modelOf([[...mean]]);
    for (const [share, count] of [
      [0.999, 1],
      [1.001, 0],
    ] as const) {
      const temperature = share * criticalTemperature;
      const { split } = await splitPrototypes(cpuBackend(), one, source, { temperature });
      expect(split).toHaveLength(count);
    }
  });

  it('takes the largest gains, and predicts how the loss falls', async () => {
    // An empty cell far out must not be split, nor spoil the others.
    const four = modelOf([...centres, [900, 0, 0, 0, 0]], { temperature: 2 });
    const all = await splitPrototypes(cpuBackend(), four, source, { displacement: 0.02 });
    expect(all.split.map(({ prototype }) => prototype).sort()).toEqual([0, 1, 2]);
    expect(all.split[0]!.prototype).toBe(1);
    const top = await splitPrototypes(cpuBackend(), four, source, { most: 1, displacement: 0.02 });
    expect(top.split).toEqual([{ ...all.split[0], added: 4 }]);
    const lossOf = async (of: DdclModel): Promise<number> =>
      (await measureSource(cpuBackend(), source, modelState(of), { tokens, totalVariance: 1 })).loss.lq;
    const fall = (await lossOf(four)) - (await lossOf(top.model));
    const step = 0.02 * Math.sqrt(top.split[0]!.variance);
    expect(fall / (top.split[0]!.gain * step ** 2)).toBeCloseTo(1, 1);
    const none = await splitPrototypes(cpuBackend(), four, source, { most: 0 });
    expect(none).toEqual({ model: four, split: [] });
  });

  it('gives a fit a start from which the halves part', async () => {
    const { model: start } = await splitPrototypes(cpuBackend(), modelOf(centres, { temperature: 20 }), source);
    const fitted = await fit(cpuBackend(), source, {
      prototypes: 4,
      start: start.prototypes,
      anneal: false,
      temperature: 10,
      steps: 100,
      dtype: 'float64',
    });
    const [, a, , b] = rowsOf(fitted.model);
    expect(Math.hypot(...a!.map((x, axis) => x - b![axis]!))).toBeGreaterThan(3);
  });

  it('refuses what does not fit', async () => {
    const backend = cpuBackend();
    const other = tokensFromReader(tokensFromArray(new Float64Array(8), 4));
    const weightless = tokensFromReader(tokensFromArray(data, dimension, new Float64Array(tokens)));
    const broken = tokensFromReader(tokensFromArray(new Float64Array(10).fill(NaN), dimension));
    const stopped = AbortSignal.abort();
    expect(await codeOf(() => splitPrototypes(backend, model, other))).toBe('shape');
    expect(await codeOf(() => splitPrototypes(backend, model, weightless))).toBe('data');
    expect(await codeOf(() => splitPrototypes(backend, model, broken))).toBe('data');
    expect(await codeOf(() => splitPrototypes(backend, model, source, { most: -1 }))).toBe('argument');
    expect(await codeOf(() => splitPrototypes(backend, model, source, { temperature: 0 }))).toBe('argument');
    expect(await codeOf(() => splitPrototypes(backend, model, source, { displacement: 0 }))).toBe('argument');
    expect(await codeOf(() => splitPrototypes(backend, model, source, { signal: stopped }))).toBe('aborted');
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});

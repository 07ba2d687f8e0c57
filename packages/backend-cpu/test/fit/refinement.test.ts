import { adam, createRandom } from '@ddcl/core';
import { fit, type FitOptions, type HistoryRecord } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { deviation } from '../../../core/test/support/ddcl-problems.ts';
import { gradientMassOf, gradientOf, rowsOf, type Problem } from '../../../core/test/support/oracle.ts';
import { cpuBackend } from '../../src/index.ts';
import { blobs, sourceOf, withSmallBuffers } from './support.ts';

const dimension = 3;
const tokens = blobs(150, dimension, 5, 3, 1);
const weights = Float64Array.from({ length: 150 }, (_, n) => (n % 4) / 2);
const source = sourceOf(tokens, dimension);
const usual: FitOptions = { prototypes: 6, steps: 20, batch: 15, records: 5, seed: 3, dtype: 'float64' };
/** Where tokens are: on the device, read anew, or read anew in blocks of 16 tokens. */
const places = [
  ['on the device', {}, () => cpuBackend()],
  ['streamed', { tokenMemory: 0 }, () => cpuBackend()],
  ['streamed in small blocks', { tokenMemory: 0 }, () => withSmallBuffers(16 * 6 * 8)],
  ['on the device in small blocks', {}, () => withSmallBuffers(16 * 6 * 8)],
] as const;

const problemOf = (prototypes: number[][], temperature: number): Problem => ({
  tokens: rowsOf(tokens, dimension),
  weights: Array.from(weights),
  prototypes,
  temperature,
});

describe.each(places)('tokens %s', (_, where, make) => {
  it('each annealed step divides by the running mass, S = (1 - rho) S + rho sum a w', async () => {
    const [start, temperature, rate, steps] = [blobs(4, dimension, 4, 1, 9), 8, 0.3, 5];
    const { model } = await fit(make(), sourceOf(tokens, dimension, weights), {
      prototypes: 4,
      start,
      temperature,
      anneal: false,
      shuffle: false,
      dtype: 'float64',
      learningRate: rate,
      constantRate: true,
      steps,
      batch: 150,
      refinement: { passes: 0 },
      ...where,
    });
    let prototypes = rowsOf(start, dimension);
    let running = prototypes.map(() => 0);
    for (let step = 0; step < steps; step++) {
      const [gradient, mass] = [gradientOf, gradientMassOf].map((of) => of(problemOf(prototypes, temperature))) as [
        number[][],
        number[],
      ];
      running = running.map((s, k) => (1 - rate) * s + rate * mass[k]!);
      prototypes = prototypes.map((p, k) => p.map((x, axis) => x - (rate * gradient[k]![axis]!) / (2 * running[k]!)));
    }
    expect(Math.min(...running)).toBeGreaterThan(1);
    // Five steps of sums over 150 tokens.
    expect(deviation(Array.from(model.prototypes), prototypes.flat())).toBeLessThan(1e-12);
  });

  it('a pass sets each prototype to the mean of all tokens, weighted by a w', async () => {
    const options: FitOptions = { ...usual, relocate: false, temperature: { ofCritical: 0.1 }, ...where };
    const given = sourceOf(tokens, dimension, weights);
    const before = await fit(make(), given, { ...options, refinement: { passes: 0 } });
    const after = await fit(make(), given, { ...options, refinement: { passes: 1 } });
    const [prototypes, temperature] = [rowsOf(before.model.prototypes, dimension), before.model.temperature];
    const problem = problemOf(prototypes, temperature);
    const mass = gradientMassOf(problem);
    expect(Math.min(...mass)).toBeGreaterThan(1);
    const means = prototypes.map(() => new Array<number>(dimension).fill(0));
    problem.tokens.forEach((z, n) => {
      // The mass of one token alone is its a w.
      const own = gradientMassOf({ ...problem, tokens: [z], weights: [problem.weights[n]!] });
      means.forEach((mean, k) => mean.forEach((_x, axis) => (mean[axis]! += (own[k]! / mass[k]!) * z[axis]!)));
    });
    expect(after.steps).toBe(before.steps + 1);
    expect(deviation(Array.from(after.model.prototypes), means.flat())).toBeLessThan(1e-11);
  });

  it('passes never raise L_q after the last relocation, and end where it no longer falls', async () => {
    const passes = 40;
    const run = (options: Partial<FitOptions>) => fit(make(), source, { ...usual, ...where, ...options });
    for (const relocate of [false, true]) {
      // A tolerance of 0 ends where a pass raises L_q, if only by a rounding.
      const whole = await run({ relocate, refinement: { passes, tolerance: 0 } });
      const errors = whole.history.filter(({ step }) => step >= 20).map(({ loss }) => loss.lq);
      // The watched sample is all 150 tokens. Relocations come before passes 1, 2 and 3, and here the last of them finds all in place.
      const first = relocate ? 2 : 0;
      const settled = errors.slice(first);
      expect(settled.length).toBeGreaterThan(4);
      settled.slice(1).forEach((lq, index) => expect(lq).toBeLessThanOrEqual(settled[index]! * (1 + 1e-12)));
      expect(errors.at(-1)).toBeLessThan(0.99 * errors[0]!);
      for (const tolerance of [1e-1, 1e-2, 1e-5]) {
        const ended = await run({ relocate, refinement: { passes, tolerance } });
        expect(ended.history).toEqual(whole.history.slice(0, ended.history.length));
        // Pass n is the last if the one before it gained too little, which pass n sees: L_q before either.
        const last = settled.findIndex((lq, n) => n > 0 && settled[n - 1]! - lq < tolerance * lq) + 1;
        expect(ended.steps - 20).toBe(last + first);
      }
    }
  });

  it.each([0, 1, 3])('there are at most as many as asked for: %i', async (passes) => {
    const { steps, history } = await fit(make(), source, { ...usual, ...where, refinement: { passes, tolerance: 0 } });
    expect(steps).toBe(20 + passes);
    const records = history.filter(({ step }) => step >= 20);
    expect(records.map(({ step }) => step)).toEqual(Array.from({ length: passes + 1 }, (_unused, index) => 20 + index));
    expect(records.map(({ epoch }) => epoch)).toEqual(records.map(({ step }) => 2 + step - 20));
  });

  it('one prototype, and fewer tokens than a batch, need no care', async () => {
    const one = await fit(make(), source, { prototypes: 1, steps: 2, dtype: 'float64', ...where });
    expect(deviation(Array.from(one.model.prototypes), Array.from(one.statistics.mean))).toBeLessThan(1e-12);
    const few = tokens.slice(0, 5 * dimension);
    const { model, quantities } = await fit(make(), sourceOf(few, dimension), {
      prototypes: 5,
      steps: 50,
      batch: 1024,
      dtype: 'float64',
      ...where,
    });
    // A prototype for each token.
    expect(quantities).toMatchObject({ used: 1, distinct: 5 });
    const sorted = (data: Float64Array) => rowsOf(data, dimension).sort((a, b) => a[0]! - b[0]!);
    expect(deviation(sorted(model.prototypes).flat(), sorted(few).flat())).toBeLessThan(1e-9);
  });

  it('batches without weight leave finite numbers and good prototypes', async () => {
    // Stored first, so that the first three batches of each epoch have no weight, on the device as well.
    const own = Float64Array.from({ length: 150 }, (_unused, n) => (n < 45 ? 0 : 1));
    const options: FitOptions = { ...usual, ...where, shuffle: false };
    const { model, quantities, history } = await fit(make(), sourceOf(tokens, dimension, own), options);
    const all = [...model.prototypes, ...history.flatMap(({ loss }) => Object.values(loss))];
    expect(all.every(Number.isFinite)).toBe(true);
    const without = await fit(make(), sourceOf(tokens.slice(45 * dimension), dimension), usual);
    expect(quantities.loss.hard).toBeLessThan(1.1 * without.quantities.loss.hard);
    expect(quantities.weight).toBe(105);
  });

  it('the same seed gives the same bits', async () => {
    const run = async () => {
      const { model, history, quantities } = await fit(make(), source, { ...usual, dtype: 'float32', ...where });
      return { model, history, quantities };
    };
    expect(await run()).toEqual(await run());
  });
});

describe('tokens on the device and streamed', () => {
  it('end alike: hard errors differ by chance only', async () => {
    const many = blobs(1200, dimension, 12, 4, 5);
    const mean = async (tokenMemory: number): Promise<number> => {
      let total = 0;
      for (const seed of [1, 2, 3]) {
        const options: FitOptions = { prototypes: 12, steps: 60, batch: 200, seed, tokenMemory };
        total += (await fit(cpuBackend(), sourceOf(many, dimension), options)).quantities.loss.hard / 3;
      }
      return total;
    };
    const [resident, streamed] = [await mean(2 ** 20), await mean(0)];
    expect(resident).not.toBe(streamed);
    expect(Math.abs(resident / streamed - 1)).toBeLessThan(0.02);
  });
});

it('Adam makes no passes, and relocates once when cooling is done', async () => {
  const random = createRandom(5);
  const data = blobs(300, 2, 12, 6, 7).map((x) => x + 1e-3 * random.normal());
  const run = async (relocate: boolean): Promise<readonly HistoryRecord[]> =>
    (
      await fit(cpuBackend(), sourceOf(data, 2), {
        ...usual,
        optimizer: adam(),
        prototypes: 12,
        steps: 40,
        records: 40,
        relocate,
      })
    ).history;
  const [moved, still] = [await run(true), await run(false)];
  expect(moved.length).toBe(40);
  // After 32 of 40 steps.
  expect(moved.slice(0, 32)).toEqual(still.slice(0, 32));
  expect(moved[32]!.loss.hard).toBeLessThan(0.95 * still[32]!.loss.hard);
});

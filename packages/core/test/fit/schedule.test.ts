import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adam } from '../../src/optimise/adam.ts';
import { massPreconditioned } from '../../src/optimise/mass-preconditioned.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import {
  defaultBatch,
  defaultLearningRate,
  planSteps,
  rateSchedule,
  temperatureSchedule,
} from '../../src/fit/schedule.ts';
import { codeOf } from '../support/thrown.ts';

describe('planSteps', () => {
  it('divides the tokens evenly', () => {
    expect(planSteps(10_000, { prototypes: 8, dimension: 4, batch: 4096 }, 1e9)).toEqual({
      stepsPerEpoch: 2,
      batchRows: 5000,
      parts: 1,
      rows: 5000,
      annealing: 100,
      totalSteps: 100,
      relocations: [],
      rounds: 8,
      partialBlocks: 4,
    });
    expect(planSteps(100, { prototypes: 8, dimension: 4, batch: 4096, epochs: 3 }, 1e9)).toMatchObject({
      stepsPerEpoch: 1,
      batchRows: 100,
      totalSteps: 3,
    });
    expect(planSteps(100, { prototypes: 8, dimension: 4, batch: 50, steps: 7 }, 1e9)).toMatchObject({
      stepsPerEpoch: 2,
      totalSteps: 7,
    });
  });

  it('epochs count, and steps only without them', () => {
    expect(planSteps(100, { prototypes: 8, dimension: 4, batch: 50, epochs: 2, steps: 7 }, 1e9).totalSteps).toBe(4);
  });

  it('cuts batches into blocks that the backend can hold', () => {
    expect(planSteps(1000, { prototypes: 8, dimension: 4, batch: 1000 }, 300)).toMatchObject({
      parts: 4,
      rows: 250,
      batchRows: 1000,
    });
    expect(planSteps(1000, { prototypes: 8, dimension: 4, batch: 1000 }, 0)).toMatchObject({ parts: 1000, rows: 1 });
    expect(planSteps(10_000, { prototypes: 8, dimension: 4, batch: 10_000 }, 1024)).toMatchObject({
      parts: 10,
      rows: 1000,
    });
  });

  it('an epoch has as many steps as its tokens fill, for any sizes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 6000 }),
        fc.integer({ min: 0, max: 300 }),
        (tokens, batch, maxRows) => {
          const { stepsPerEpoch, batchRows, parts, rows } = planSteps(
            tokens,
            { prototypes: 8, dimension: 4, batch },
            maxRows,
          );
          expect(batchRows).toBe(parts * rows);
          expect(rows).toBeLessThanOrEqual(Math.max(1, maxRows));
          // As a fit makes them: blocks of `rows`, the last one smaller, in groups of `parts`.
          expect(Math.ceil(Math.ceil(tokens / rows) / parts)).toBe(stepsPerEpoch);
          // Of about the size asked for: at most half as large again, and one more per part.
          expect(batchRows).toBeLessThanOrEqual(Math.ceil(1.5 * batch) + parts);
        },
      ),
      { numRuns: 2000, seed: 7 },
    );
  });

  it('batches have four tokens for each prototype, within bounds', () => {
    expect([1, 256, 257, 2048, 5000].map((count) => defaultBatch(count))).toEqual([1024, 1024, 1028, 8192, 8192]);
    // 480 steps of an epoch of so many tokens, where these are larger.
    expect([100_000, 960_000, 1e7].map((planned) => defaultBatch(256, planned))).toEqual([1024, 2000, 8192]);
    expect(planSteps(480_000, { prototypes: 8, dimension: 4, epochs: 2 }, 1e9).batchRows).toBe(2000);
    expect(planSteps(100_000, { prototypes: 500, dimension: 4 }, 1e9).batchRows).toBe(2000);
  });

  it('passes come after the annealed steps, and relocations before the first three of them', () => {
    const plan = { prototypes: 8, dimension: 4, batch: 100, steps: 7, relocate: true };
    const of = (more: object): unknown => {
      const { annealing, totalSteps, relocations } = planSteps(1000, { ...plan, ...more }, 1e9);
      return [annealing, totalSteps, relocations];
    };
    expect(of({ passes: 10 })).toEqual([7, 17, [7, 8, 9]]);
    // No pass would come after the others.
    expect(of({ passes: 2 })).toEqual([7, 9, [7, 8]]);
    expect(of({ passes: 1 })).toEqual([7, 8, [7]]);
    // Without passes at the end of cooling, after 80 % of the steps.
    expect(of({ steps: 20 })).toEqual([20, 20, [16]]);
    expect(of({ epochs: 2 })).toEqual([20, 20, [16]]);
    expect(of({ steps: 1 })).toEqual([1, 1, []]);
    expect(of({ passes: 10, relocate: false })).toEqual([7, 17, []]);
    // One prototype has nowhere to go.
    expect(of({ passes: 10, prototypes: 1 })).toEqual([7, 17, []]);
  });

  it('a pass before a relocation looks at 128 tokens for each prototype, and at least 16,384', () => {
    const blocks = (prototypes: number): number =>
      planSteps(1_000_000, { prototypes, dimension: 4, batch: 1000 }, 1e9).partialBlocks;
    expect([8, 256, 1000].map(blocks)).toEqual([17, 33, 128]);
  });

  it.each([{ batch: 0 }, { epochs: 0 }, { steps: -1 }, { batch: 1.5 }, { epochs: NaN }])('%j is refused', (options) => {
    expect(codeOf(() => planSteps(100, { prototypes: 8, dimension: 4, ...options }, 1e9))).toBe('argument');
  });
});

describe('temperatureSchedule', () => {
  it('cools in equal factors over 80 % of the steps, then stays', () => {
    const schedule = temperatureSchedule(0.01, 10, true);
    expect(schedule(0)).toBeCloseTo(9, 12);
    expect(schedule(0.4)).toBeCloseTo(Math.sqrt(9 * 0.01), 12);
    expect(schedule(0.8)).toBe(0.01);
    expect(schedule(1)).toBe(0.01);
  });

  it('starts at 0.9, 0.45 and 0.225 T_c in turn', () => {
    expect([0, 1, 2, 3, 4].map((restart) => temperatureSchedule(0.01, 10, true, restart)(0))).toEqual(
      [9, 4.5, 2.25, 9, 4.5].map((start) => expect.closeTo(start, 12)),
    );
  });

  it('is constant without cooling, and where the end is no colder than the start', () => {
    for (const progress of [0, 0.5, 1]) {
      expect(temperatureSchedule(2, 10, false)(progress)).toBe(2);
      expect(temperatureSchedule(9.5, 10, true)(progress)).toBe(9.5);
      expect(temperatureSchedule(3, 10, true, 2)(progress)).toBe(3);
    }
  });
});

describe('rateSchedule', () => {
  it.each([
    ['to a hundredth', adam(), [0.2, 0.101, 0.002]],
    ['to a hundredth', sgd(), [0.2, 0.101, 0.002]],
    ['to a sixth', massPreconditioned(), [0.2, 0.7 / 6, 0.2 / 6]],
  ] as const)('falls along half a cosine %s: $name', (_, optimizer, expected) => {
    const rate = rateSchedule(0.2, optimizer);
    expect([0, 0.5, 1].map(rate)).toEqual(expected.map((x) => expect.closeTo(x, 12)));
  });

  it('starts at 0.3 for averages over batches, and at 0.1 for others', () => {
    expect([massPreconditioned(), adam(), sgd()].map(defaultLearningRate)).toEqual([0.3, 0.1, 0.1]);
  });
});

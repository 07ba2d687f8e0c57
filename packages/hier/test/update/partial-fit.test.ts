import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';
import {
  documentsFromArrays,
  encodeDocuments,
  fitHierarchy,
  partialFit,
  shardSums,
  type HierarchyModel,
} from '@ddcl/hier';
import { describe, expect, it } from 'vitest';
import { splitTopics } from '../../src/update/change-log.ts';
import { giveBirth } from '../../src/update/give-birth.ts';
import { sumValues } from '../../src/sums/level-sums.ts';
import { corpus, pick, sourceOf, thrown, type Corpus } from '../corpora.ts';

const backend = cpuBackend();
const spec = { dimension: 8, levels: [{ prototypes: 12 }, { prototypes: 4 }] };

async function topicsOf(model: HierarchyModel, documents: Corpus): Promise<number[]> {
  const topics: number[] = [];
  for await (const some of encodeDocuments(model, sourceOf(documents))) topics.push(...some.map(({ topic }) => topic));
  return topics;
}

/** L_q of the first level per token: that of upper ones depends on the projection of each model. */
async function firstLoss(model: HierarchyModel, documents: Corpus): Promise<number> {
  const { items, losses } = (await shardSums(model, sourceOf(documents))).levels[0]!;
  return (((losses.high[0]! * 2 ** 26 + losses.low[0]!) * 2 ** -28) / items) * model.levels[0]!.model.scale ** 2;
}

it('comes near to the fit of all in two passes of updates, from a tenth', async () => {
  const documents = corpus({ documents: 300 });
  const tenth = pick(documents, createRandom(1).permutation(300).subarray(0, 30));
  const whole = await fitHierarchy(backend, spec, sourceOf(documents), { epochs: 3, restarts: 1 });
  let { model } = await fitHierarchy(backend, spec, sourceOf(tenth), { epochs: 3, restarts: 1 });
  for (let pass = 0; pass < 2; pass++)
    ({ model } = await partialFit(model, sourceOf(documents), { batch: 50, levels: 'all' }));
  expect(await firstLoss(model, documents)).toBeLessThan(1.02 * (await firstLoss(whole.model, documents)));
  expect(model.documents).toBe(30 + 2 * 300);
});

describe('a class that was not there', () => {
  const old = corpus({ documents: 400 });
  const unseen = corpus({ documents: 40, classes: [9], seed: 7 });

  it('gets a topic of its own, and the others keep theirs', async () => {
    const { model } = await fitHierarchy(backend, spec, sourceOf(old), { epochs: 3, restarts: 1 });
    const before = await topicsOf(model, old);
    const { model: after, changes } = await partialFit(model, sourceOf(unseen));
    expect(changes).toMatchObject({ documents: 40, empty: 0, merged: [] });
    expect(changes.born.map(({ id }) => id)).toEqual([4]);
    expect(changes.born[0]!.documents).toBeGreaterThan(30);
    const main = changes.split.find(({ id }) => id === changes.born[0]!.near)!;
    expect(main.into).toBe(4);
    expect(main.documents).toBeGreaterThan(25);
    expect(changes.drift).toHaveLength(5);
    expect(changes.drift[4]).toBeNaN();
    const now = await topicsOf(after, old);
    expect(now.filter((topic, index) => topic === before[index]).length).toBeGreaterThanOrEqual(0.99 * 400);
    expect((await topicsOf(after, unseen)).filter((topic) => topic === 4).length).toBeGreaterThan(36);
    expect(after.spec.levels[1]!.prototypes).toBe(5);
    const quiet = await partialFit(model, sourceOf(unseen), { births: false });
    expect(quiet.changes.born).toEqual([]);
    expect(quiet.model.levels[1]!.model.count).toBe(4);
  });

  it('takes no topic for more of the same, and an id that nothing uses first', async () => {
    const { model } = await fitHierarchy(backend, spec, sourceOf(old), { epochs: 3, restarts: 1 });
    const same = await partialFit(model, sourceOf(corpus({ documents: 100, seed: 11 })));
    expect(same.changes.born).toEqual([]);
    const [first, last] = model.levels as [HierarchyModel['levels'][0], HierarchyModel['levels'][0]];
    const masses = last.masses.slice();
    masses[2] = 0;
    const { changes, model: after } = await partialFit(
      { ...model, levels: [first, { ...last, masses }] },
      sourceOf(unseen),
    );
    expect(changes.born[0]).toMatchObject({ id: 2, reused: true });
    expect(after.levels[1]!.model.count).toBe(4);
  });
});

it('takes no id that is in use, however much is forgotten', async () => {
  const old = corpus({ documents: 80 });
  let { model } = await fitHierarchy(backend, spec, sourceOf(old), { epochs: 3, restarts: 1 });
  const unseen = sourceOf(corpus({ documents: 40, classes: [9], seed: 7 }));
  for (let round = 0; round < 2; round++)
    ({ model } = await partialFit(model, sourceOf(pick(old, [0, 1])), { forget: 0.999, births: false }));
  const { changes } = await partialFit(model, unseen, { forget: 0.999 });
  expect(changes.born.map(({ id, reused }) => [id, reused])).toEqual([[4, false]]);
});

it('counts the documents of each topic that it makes, and tells which topics lost a fifth', () => {
  // One prototype at 0; 60 items there, 40 at 8 and 20 at -6, in turns of two, since every second one judges.
  const places = Array.from({ length: 120 }, (_, index) => [0, 0, 0, 8, 8, -6][Math.floor(index / 2) % 6]!);
  const rows = Float32Array.from(places);
  const own = {
    dtype: 'float64',
    count: 1,
    dimension: 1,
    prototypes: Float64Array.of(0),
    temperature: 0.01,
  } as const;
  const level = {
    model: {
      ...own,
      offset: Float64Array.of(0),
      scale: 1,
      criticalTemperature: 10,
      totalVariance: 20,
    } as unknown as DdclModel,
    masses: Float64Array.of(100),
  };
  const { born, level: after } = giveBirth(level, rows, 1200, 0.01);
  expect(born.map(({ id, documents, near }) => [id, documents, near])).toEqual([
    [1, 400, 0],
    [2, 200, 0],
  ]);
  // 40 of 120 went to one and 20, less than a fifth, to the other.
  expect(splitTopics(rows, level.model, after.model, 10)).toEqual([{ id: 0, into: 1, documents: 400 }]);
});

it('gives a topic to 20 documents that no topic is near to, alone or among others, and none to 4', async () => {
  const width = 16;
  const drawn = (seed: number, sizes: readonly (readonly [number, number])[]) => {
    const random = createRandom(seed);
    const rows = sizes.flatMap(([own, documents]) =>
      Array.from({ length: documents * width }, (_, index) => (index % width === own ? 8 : 0) + random.normal()),
    );
    return documentsFromArrays({ data: Float32Array.from(rows), dimension: width });
  };
  const ten = (documents: number) => Array.from({ length: 10 }, (_, own) => [own, documents] as const);
  const start = Float32Array.from({ length: 10 * width }, (_, index) => (index % (width + 1) === 0 ? 8 : 0));
  const flat = { dimension: width, levels: [{ prototypes: 10 }] };
  const options = { restarts: 1, epochs: 1, starts: { document: start } };
  const { model } = await fitHierarchy(backend, flat, drawn(0, ten(100)), options);
  const born = async (sizes: readonly (readonly [number, number])[]): Promise<number> =>
    (await partialFit(model, drawn(100, sizes))).changes.born.length;
  expect(await born([[15, 20]])).toBe(1);
  expect(await born([...ten(20), [15, 20]])).toBe(1);
  expect(await born([...ten(20), [15, 4]])).toBe(0);
  expect(await born(ten(100))).toBe(0);
});

it('forgets the share of what was seen that it is told to', async () => {
  const data = Float32Array.from({ length: 60 }, (_, index) => Math.sin(index));
  const later = Float32Array.from({ length: 40 }, (_, index) => 2 + Math.cos(index));
  const levels = [{ prototypes: 1, temperature: 0.1 }];
  const flat = { dimension: 1, levels };
  const { model } = await fitHierarchy(backend, flat, documentsFromArrays({ data, dimension: 1 }), { restarts: 1 });
  const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  for (const forget of [0, 0.75]) {
    const options = { births: false, forget };
    const { model: after } = await partialFit(model, documentsFromArrays({ data: later, dimension: 1 }), options);
    const left = 60 * (1 - forget);
    const expected = (left * model.levels[0]!.model.prototypes[0]! + 40 * mean(later)) / (left + 40);
    // The prototype is float32.
    expect(Math.abs(after.levels[0]!.model.prototypes[0]! - expected)).toBeLessThan(1e-6);
    // Sums are multiples of 2^-28.
    expect(after.levels[0]!.masses[0]).toBeCloseTo(left + 40, 6);
  }
});

it('leaves a prototype where it is that nothing used and hardly anything pulls at', async () => {
  const data = Float32Array.from({ length: 400 }, (_, index) => (index % 2) * 4 + Math.sin(index * index));
  const flat = documentsFromArrays({ data, dimension: 1 });
  const options = { restarts: 1, dtype: 'float64' as const };
  const spec1 = { dimension: 1, levels: [{ prototypes: 2, temperature: 0.5 }] };
  const { model } = await fitHierarchy(backend, spec1, flat, options);
  const own = model.levels[0]!;
  const unusedAt = (place: number): HierarchyModel => ({
    ...model,
    levels: [{ masses: Float64Array.of(400, 0), model: { ...own.model, prototypes: Float64Array.of(0, place) } }],
  });
  const massAt = async (place: number): Promise<number> =>
    sumValues((await shardSums(unusedAt(place), flat)).levels[0]!).mass[1]!;
  // Items push as much as they pull: what is left is a tiny positive mass, with pulls that are not tiny.
  let [near, far] = [4, 40];
  for (let round = 0; round < 24; round++) {
    const middle = (near + far) / 2;
    if ((await massAt(middle)) > 0) near = middle;
    else far = middle;
  }
  expect(await massAt(near)).toBeGreaterThan(0);
  expect(await massAt(near)).toBeLessThan(0.01);
  const { model: after } = await partialFit(unusedAt(near), flat, { births: false });
  expect(after.levels[0]!.model.prototypes[1]).toBeCloseTo(near, 9);
  expect(after.levels[0]!.masses[1]).toBe(0);
});

it('refuses options out of range', async () => {
  const { model } = await fitHierarchy(
    backend,
    { dimension: 8, levels: [{ prototypes: 2 }] },
    sourceOf(corpus({ documents: 9 })),
    {
      epochs: 1,
      restarts: 1,
    },
  );
  const source = sourceOf(corpus({ documents: 9 }));
  expect(await thrown(() => partialFit(model, source, { forget: 1 }))).toBe(
    'argument: forget must be a share from 0 to below 1, but is 1.',
  );
  expect(await thrown(() => partialFit(model, source, { levels: 'first' as 'all' }))).toBe(
    "argument: levels must be 'last' or 'all', but is 'first'.",
  );
  expect(await thrown(() => partialFit(model, source, { batch: 0 }))).toBe(
    'argument: batch must be a whole number >= 1, but is 0.',
  );
});

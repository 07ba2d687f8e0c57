import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { adjustedRandIndex, clusteringAccuracy } from '@ddcl/core/metrics';
import {
  documentsFromArrays,
  encodeDocuments,
  fitHierarchy,
  hierarchyFromBytes,
  hierarchyToBytes,
  partialFit,
  type DocumentCode,
  type HierarchyModel,
  type HierarchySpec,
  type LevelQuantities,
  type StartDocument,
} from '@ddcl/hier';
import { beforeAll, describe, expect, it } from 'vitest';
import { corpus, pick, sourceOf, thrown, type Corpus } from '../corpora.ts';

const backend = cpuBackend();
const spec: HierarchySpec = { dimension: 8, levels: [{ prototypes: 12 }, { prototypes: 4 }] };

async function encoded(model: HierarchyModel, documents: Corpus): Promise<DocumentCode[]> {
  const all: DocumentCode[] = [];
  for await (const some of encodeDocuments(model, sourceOf(documents))) all.push(...some);
  return all;
}

describe('two levels', () => {
  const documents = corpus({ documents: 240 });
  const told: DocumentCode[] = [];
  const epochs: LevelQuantities[] = [];
  let model: HierarchyModel;

  beforeAll(async () => {
    const result = await fitHierarchy(backend, spec, sourceOf(documents), {
      epochs: 4,
      restarts: 1,
      onDocuments: (some) => told.push(...some),
      onEpoch: (quantities) => epochs.push(quantities),
    });
    model = result.model;
    expect(result).toMatchObject({ documents: 240, empty: 0 });
    expect(result.levels.map(({ items, fitted }) => [items, fitted])).toEqual([
      [result.tokens, result.tokens],
      [240, 240],
    ]);
  });

  it('finds the classes', () => {
    expect(
      clusteringAccuracy(
        Int32Array.from(told, ({ topic }) => topic),
        documents.classes,
      ),
    ).toBeGreaterThan(0.9);
  });

  it('tells the quantities of both levels at every epoch', () => {
    for (const level of ['token', 'document']) {
      const own = epochs.filter((each) => each.level === level);
      expect(new Set(own.map(({ epoch }) => Math.ceil(epoch))).size).toBeGreaterThanOrEqual(4);
      for (const { v, lq, lols, defect, temperatureShare } of own) {
        expect(v).toBeGreaterThanOrEqual(0);
        // float32 on the device: docs/math.md section 2.
        expect(Math.abs(lq - lols - v) / lq).toBeLessThan(1e-5);
        expect(defect).toBeLessThan(1e-5);
        expect(temperatureShare).toBeLessThan(1);
      }
      expect(own.at(-1)).toMatchObject({ use: 1 });
    }
  });

  it('gives each document alone, among others and after saving what the fit gave, bit for bit', async () => {
    expect(told.map(({ id }) => id)).toEqual(documents.ids);
    const saved = hierarchyFromBytes(hierarchyToBytes(model));
    expect(await encoded(saved, documents)).toEqual(told);
    for (const document of [0, 7, 100, 239])
      expect(await encoded(model, pick(documents, [document]))).toEqual([told[document]]);
    const some = [30, 10, 20];
    expect(await encoded(model, pick(documents, some))).toEqual(some.map((document) => told[document]));
  });

  it('does not depend on the order of documents, and equal seeds give equal bytes', async () => {
    const order = createRandom(5).permutation(240);
    const topics = new Int32Array(240);
    let next = 0;
    const shuffled = await fitHierarchy(backend, spec, sourceOf(pick(documents, order)), {
      epochs: 4,
      restarts: 1,
      onDocuments: (some) => some.forEach(({ topic }) => (topics[order[next++]!] = topic)),
    });
    expect(
      adjustedRandIndex(
        topics,
        told.map(({ topic }) => String(topic)),
      ),
    ).toBe(1);
    expect(hierarchyToBytes(shuffled.model)).toEqual(hierarchyToBytes(model));
    const other = await fitHierarchy(backend, spec, sourceOf(documents), { epochs: 4, restarts: 1, seed: 1 });
    expect(hierarchyToBytes(other.model)).not.toEqual(hierarchyToBytes(model));
  });

  it('fits a sample that does not depend on the order either, where memory is short', async () => {
    const order = createRandom(6).permutation(240);
    const options = { epochs: 2, restarts: 1, memory: 24_000 };
    const [one, two] = [
      await fitHierarchy(backend, spec, sourceOf(documents), options),
      await fitHierarchy(backend, spec, sourceOf(pick(documents, order)), options),
    ];
    expect(one.levels[0]).toMatchObject({ items: one.tokens, fitted: 375 });
    expect(hierarchyToBytes(one.model)).toEqual(hierarchyToBytes(two.model));
  });
});

it('fits float64 documents as they are, where float32 has no digits for what tells them apart', async () => {
  const data = Float64Array.from({ length: 80 }, (_, index) => 1e9 + (Math.floor(index / 2) % 4) + 0.01 * (index % 5));
  const source = documentsFromArrays({ data, dimension: 2 });
  const options = { dtype: 'float64' as const, restarts: 2 };
  const flat = { dimension: 2, levels: [{ prototypes: 4, temperature: { ofCritical: 0.001 } }] };
  for (const mode of ['levels', 'joint'] as const) {
    const { levels, model } = await fitHierarchy(backend, flat, source, { ...options, mode });
    // Four places 1.4 apart, with a spread of 0.02.
    expect(levels[0]).toMatchObject({ use: 1, distinct: 4 });
    expect(levels[0]!.hard).toBeLessThan(0.001);
    // In float32 they would be at 1e9, before the first of the others: its numbers are 64 apart there.
    const { changes } = await partialFit(
      model,
      documentsFromArrays({ data: data.map((own) => own + 24), dimension: 2 }),
    );
    const { prototypes } = model.levels[0]!.model;
    const farthest = [0, 1, 2, 3].toSorted((a, b) => prototypes[2 * b]! - prototypes[2 * a]!)[0];
    expect(changes.born.map(({ near }) => near)).toEqual([farthest]);
  }
});

it('tells a few groups apart that lie far from each other, each with prototypes of its own', async () => {
  const random = createRandom(3);
  const width = 6;
  const places = Float64Array.from({ length: 3 * 2 * width }, () => random.normal());
  const rows: number[] = [];
  const groups = Array.from({ length: 120 }, (_, document) => document % 3);
  for (const group of groups)
    for (let token = 0; token < 8; token++) {
      const from = (2 * group + random.integer(2)) * width;
      for (let axis = 0; axis < width; axis++)
        rows.push((axis === group ? 12 : 0) + places[from + axis]! + 0.2 * random.normal());
    }
  const source = documentsFromArrays({
    data: Float32Array.from(rows),
    dimension: width,
    lengths: Int32Array.from(groups, () => 8),
  });
  const levels = [{ prototypes: 6 }, { prototypes: 3 }];
  const codes: DocumentCode[] = [];
  const options = { onDocuments: (some: readonly DocumentCode[]): unknown => codes.push(...some) };
  const { levels: told } = await fitHierarchy(backend, { dimension: width, levels }, source, {
    restarts: 2,
    ...options,
  });
  expect(told[0]).toMatchObject({ use: 1, distinct: 6 });
  expect(
    clusteringAccuracy(
      Int32Array.from(codes, ({ topic }) => topic),
      groups,
    ),
  ).toBe(1);
});

it('lets a function make the starts of a level, of the vectors that it will be given', async () => {
  const documents = corpus({ documents: 60 });
  const withEmpty = { ...documents, lengths: Int32Array.of(0, ...documents.lengths), ids: ['none', ...documents.ids] };
  const told: DocumentCode[] = [];
  const seen: StartDocument[] = [];
  const starts = new Float32Array(4 * 64);
  const document = async (all: AsyncIterable<StartDocument>): Promise<Float32Array> => {
    for await (const each of all) seen.push(each);
    [5, 20, 30, 40].forEach((from, k) => starts.set(seen[from]!.vector, k * 64));
    return starts;
  };
  const options = { restarts: 1, onDocuments: (some: readonly DocumentCode[]): unknown => told.push(...some) };
  const { model } = await fitHierarchy(backend, spec, documentsFromArrays(withEmpty), {
    ...options,
    starts: { document },
  });
  expect(seen).toEqual(told.map(({ id, tokens, vector }) => ({ id, tokens, vector: Float64Array.from(vector) })));
  const again = await fitHierarchy(backend, spec, documentsFromArrays(withEmpty), {
    restarts: 1,
    starts: { document: starts },
  });
  expect(hierarchyToBytes(again.model)).toEqual(hierarchyToBytes(model));
});

it('stops within a level that is being fitted, and within joint epochs', async () => {
  const documents = sourceOf(corpus({ documents: 200, dimension: 4, tokens: 6 }));
  const two = { dimension: 4, levels: [{ prototypes: 4 }, { prototypes: 3 }] };
  for (const phase of ['fit', 'joint']) {
    const signal = { aborted: false };
    const told: string[] = [];
    const fit = fitHierarchy(backend, two, documents, {
      mode: 'joint',
      epochs: 3,
      restarts: 1,
      signal,
      onProgress: (progress) => {
        if (signal.aborted) told.push(progress.phase);
        signal.aborted ||= progress.phase === phase && progress.done >= 1;
      },
    });
    await expect(fit).rejects.toThrow(expect.objectContaining({ code: 'aborted' }));
    expect(told, phase).toEqual([]);
  }
});

it('takes any depth: tokens, sentences, documents', async () => {
  const documents = corpus({ documents: 120 });
  const sentences = Array.from(documents.lengths, (length) => {
    const first = Math.ceil(length / 2);
    return length > 1 ? [first, 0, length - first] : [1];
  });
  const source = documentsFromArrays({ ...documents, groups: { sentence: sentences } });
  const deep: HierarchySpec = {
    dimension: 8,
    levels: [
      { prototypes: 12, group: 'sentence' },
      { name: 'sentence', prototypes: 8, pass: { what: 'occupancy' } },
      { prototypes: 4 },
    ],
  };
  const codes: DocumentCode[] = [];
  const { levels } = await fitHierarchy(backend, deep, source, {
    epochs: 4,
    restarts: 2,
    onDocuments: (some) => codes.push(...some),
  });
  const parts = sentences.flat().filter((length) => length > 0).length;
  expect(levels.map(({ level, items }) => [level, items])).toEqual([
    ['token', documents.data.length / 8],
    ['sentence', parts],
    ['document', 120],
  ]);
  expect(codes[0]!.levels.map(({ codes: own }) => own.length)).toEqual([
    documents.lengths[0],
    sentences[0]!.filter((length) => length > 0).length,
    1,
  ]);
  expect(
    clusteringAccuracy(
      Int32Array.from(codes, ({ topic }) => topic),
      documents.classes,
    ),
  ).toBeGreaterThan(0.7);
});

it('takes vectors, documents without tokens and documents shorter than the prototypes of the first level', async () => {
  const documents = corpus({ documents: 60, tokens: 3 });
  const withEmpty = { ...documents, lengths: Int32Array.of(0, ...documents.lengths), ids: ['none', ...documents.ids] };
  const codes: DocumentCode[] = [];
  const result = await fitHierarchy(backend, spec, documentsFromArrays(withEmpty), {
    epochs: 2,
    restarts: 1,
    onDocuments: (some) => codes.push(...some),
  });
  expect(result).toMatchObject({ documents: 60, empty: 1 });
  expect(codes[0]).toMatchObject({ id: 'none', tokens: 0, topic: -1, entropy: 0, distance: NaN });
  expect(codes.slice(1).every(({ topic }) => topic >= 0 && topic < 4)).toBe(true);
  const vectors = documentsFromArrays({ data: documents.data, dimension: 8 });
  const flat = await fitHierarchy(backend, { dimension: 8, levels: [{ prototypes: 4 }] }, vectors, {
    epochs: 2,
    certificate: true,
  });
  expect(flat.documents).toBe(documents.data.length / 8);
  expect(flat.levels[0]!.stability!.curvature.largest).toBeGreaterThan(0);
});

describe('refuses', () => {
  const few = corpus({ documents: 3, tokens: 5 });
  const call = (own: HierarchySpec, source = sourceOf(few), options = {}) =>
    thrown(() => fitHierarchy(backend, own, source, options));

  it.each<[string, () => Promise<string>]>([
    [
      "data: Level 'document' has 3 items of 3 documents, but 4 prototypes. Ask for at most 3, or give more documents.",
      () => call({ ...spec, levels: [{ prototypes: 2 }, { prototypes: 4 }] }),
    ],
    [
      "data: Level 'token' has 1 items of 1 documents (1 more have no tokens), but 12 prototypes. Ask for at most 1, or give more documents.",
      () => call(spec, documentsFromArrays({ data: new Float32Array(8), dimension: 8, lengths: [0, 1] })),
    ],
    [
      'shape: The model takes tokens of dimension 9, but the documents have 8. Use the encoder that it was fitted with.',
      () => call({ ...spec, dimension: 9 }),
    ],
    [
      'data: The model was fitted with the encoder a (1), but the documents come from b (2). Use the same encoder.',
      () =>
        call(
          { ...spec, encoder: { name: 'a', hash: '1' } },
          documentsFromArrays({ ...few, encoder: { name: 'b', hash: '2' } }),
        ),
    ],
    [
      "data: Document '1-0' has no boundaries named 'sentence', which a level gathers by. Give groups.sentence, or leave out group for whole documents.",
      () => call({ ...spec, levels: [{ prototypes: 2, group: 'sentence' }, { prototypes: 2 }] }),
    ],
    [
      "data: Tokens must be finite, but token 1 of document 'b' (number 1) holds NaN. Mend it or leave the document out.",
      () =>
        call(
          spec,
          documentsFromArrays({
            data: new Float32Array(24).fill(NaN, 16, 17),
            dimension: 8,
            lengths: [1, 2],
            ids: ['a', 'b'],
          }),
        ),
    ],
    ['argument: restarts must be a whole number >= 1, but is 0.', () => call(spec, sourceOf(few), { restarts: 0 })],
    ["argument: mode must be 'levels' or 'joint', but is 'both'.", () => call(spec, sourceOf(few), { mode: 'both' })],
    [
      "argument: A name in starts must be a level's: token, document, but is 'topic'.",
      () => call(spec, sourceOf(few), { starts: { topic: new Float32Array(8) } }),
    ],
    [
      'shape: 20 numbers are 2.5 tokens of dimension 8, but the documents have 2. Give the number of tokens of each document.',
      () => thrown(() => documentsFromArrays({ data: new Float32Array(20), dimension: 8 })),
    ],
    ['aborted: The pass over documents was aborted.', () => call(spec, sourceOf(few), { signal: AbortSignal.abort() })],
  ])('%s', async (message, refused) => expect(await refused()).toBe(message));
});

it('starts wide topics from the best of several k-means, in any order', async () => {
  const documents = corpus({ documents: 90, dimension: 520, tokens: 1, noise: 0.1, classes: [0, 1, 2] });
  const wide = { dimension: 520, levels: [{ prototypes: 9 }] };
  const order = createRandom(8).permutation(90);
  const [one, two] = [
    await fitHierarchy(backend, wide, sourceOf(documents), { restarts: 12 }),
    await fitHierarchy(backend, wide, sourceOf(pick(documents, order)), { restarts: 12 }),
  ];
  expect(hierarchyToBytes(one.model)).toEqual(hierarchyToBytes(two.model));
  const few = await fitHierarchy(backend, wide, sourceOf(documents), { restarts: 2 });
  // The first starts are the same.
  expect(one.levels[0]!.hard).toBeLessThanOrEqual(few.levels[0]!.hard);
});

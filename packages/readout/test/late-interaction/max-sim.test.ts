import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom, type Random } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { afterAll, describe, expect, it } from 'vitest';
import { planDocumentBlocks, planQueryRuns } from '../../src/late-interaction/max-sim-blocks.ts';
import { maxSimScores, type MaxSimOptions } from '../../src/late-interaction/max-sim-scores.ts';
import { maxSimSearch } from '../../src/late-interaction/max-sim-search.ts';
import { maxSim } from '../../src/late-interaction/max-sim.ts';
import { packVectors, type VectorSets } from '../../src/late-interaction/vector-sets.ts';
import { codeOf } from '../thrown.ts';

const backend = cpuBackend();
afterAll(() => {
  backend.dispose();
});

function randomSets(random: Random, counts: readonly number[], dimension: number): Float32Array[] {
  return counts.map((count) => Float32Array.from({ length: count * dimension }, () => random.normal()));
}

/** By the definition, in float64: all products first. */
function expectedScore(query: Float32Array, document: Float32Array, dimension: number, mean = false): number {
  const rows = (data: Float32Array): number[][] =>
    Array.from({ length: data.length / dimension }, (_, row) => [
      ...data.subarray(row * dimension, (row + 1) * dimension),
    ]);
  if (document.length === 0 || query.length === 0) return 0;
  const bests = rows(query).map((q) =>
    Math.max(...rows(document).map((d) => d.reduce((sum, value, axis) => sum + value * q[axis]!, 0))),
  );
  return bests.reduce((sum, value) => sum + value, 0) / (mean ? bests.length : 1);
}

async function allScores(
  queries: VectorSets,
  documents: VectorSets,
  options: MaxSimOptions = {},
  on: Backend = backend,
) {
  const blocks = [];
  for await (const block of maxSimScores(on, queries, documents, options)) blocks.push(block);
  return blocks;
}

describe('maxSim', () => {
  it('has the value of a small case', () => {
    // Query (1, 0), (0, -1); document (2, 1), (-3, -1): max(2, -3) + max(-1, 1).
    const [query, document] = [Float32Array.of(1, 0, 0, -1), Float32Array.of(2, 1, -3, -1)];
    expect(maxSim(query, document, 2)).toBe(3);
    expect(maxSim(query, document, 2, 'mean')).toBe(1.5);
    expect(maxSim(query, Float32Array.of(-1, 1), 2)).toBe(-2);
    expect(maxSim(query, new Float32Array(0), 2)).toBe(0);
    expect(maxSim(new Float32Array(0), document, 2, 'mean')).toBe(0);
  });

  it('refuses numbers that are no vectors', async () => {
    expect(await codeOf(() => maxSim(new Float32Array(4), new Float32Array(3), 2))).toBe('shape');
  });
});

describe.each([
  ['ragged', [3, 1, 0, 7, 16, 5, 2], [4, 1, 9, 0, 16, 16, 3, 2, 33, 5, 6, 1], 5],
  ['all alike', [4, 4, 4], [8, 8, 8, 8], 6],
  ['long queries and documents', [700, 2, 510, 40], [300, 1, 900], 2],
  ['single vectors', [1, 1, 1, 1, 1], [1, 1], 3],
] as const)('%s', (_name, queryCounts, documentCounts, dimension) => {
  const random = createRandom(17);
  const queryList = randomSets(random, queryCounts, dimension);
  const documentList = randomSets(random, documentCounts, dimension);
  const [queries, documents] = [packVectors(queryList, dimension), packVectors(documentList, dimension)];

  it.each(['sum', 'mean'] as const)('has the %s of float64 loops', async (reduction) => {
    const expected = queryList.map((query) =>
      documentList.map((document) => expectedScore(query, document, dimension, reduction === 'mean')),
    );
    for (const scoresPerBlock of [1, 2 ** 24]) {
      const blocks = await allScores(queries, documents, { reduction, scoresPerBlock });
      let next = 0;
      for (const { start, queries: rows, scores } of blocks) {
        expect(start).toBe(next);
        expect(scores).toHaveLength(rows * documentList.length);
        for (let place = 0; place < scores.length; place++) {
          const query = start + Math.floor(place / documentList.length);
          const document = place % documentList.length;
          const score = expected[query]![document]!;
          // Float32 sums of up to 700 numbers.
          expect(Math.abs(scores[place]! - score)).toBeLessThan(1e-5 * (1 + Math.abs(score)));
          expect(maxSim(queryList[query]!, documentList[document]!, dimension, reduction)).toBeCloseTo(score, 9);
        }
        next = start + rows;
      }
      expect(next).toBe(queryList.length);
    }
  });

  it('finds the best documents', async () => {
    const { shape, documents: hits, scores } = await maxSimSearch(backend, queries, documents, 3);
    const kept = Math.min(3, documentList.length);
    expect(shape).toEqual([queryList.length, kept]);
    const all = await allScores(queries, documents);
    queryList.forEach((_, query) => {
      const row = all[0]!.scores.subarray(query * documentList.length, (query + 1) * documentList.length);
      const order = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, kept);
      expect([...hits.subarray(query * kept, (query + 1) * kept)]).toEqual(order);
      expect([...scores.subarray(query * kept, (query + 1) * kept)]).toEqual(order.map((index) => row[index]));
    });
  });

  it('gives all buffers back', async () => {
    const before = backend.memory();
    await allScores(queries, documents);
    expect(backend.memory()).toEqual(before);
  });
});

describe('limits', () => {
  it('has a score of 0 for what is empty, and none without queries', async () => {
    const some = packVectors([Float32Array.of(1, 2)], 2);
    const none = packVectors([], 2);
    const empty = packVectors([new Float32Array(0), new Float32Array(0)], 2);
    expect((await allScores(some, empty)).map(({ scores }) => [...scores])).toEqual([[0, 0]]);
    expect((await allScores(empty, some)).map(({ scores }) => [...scores])).toEqual([[0, 0]]);
    expect(await allScores(none, some)).toEqual([]);
    expect((await allScores(some, none)).map(({ scores }) => scores.length)).toEqual([0]);
    expect((await maxSimSearch(backend, some, none, 3)).shape).toEqual([1, 0]);
  });

  it('takes no maximum over padding', async () => {
    // All products are negative, so a zero that fills up a document would win.
    const query = packVectors([Float32Array.of(1, 2)], 1);
    const documents = packVectors(
      [5, 7, 9, 1, 12].map((count) => Float32Array.from({ length: count }, (_, index) => -2 - index)),
      1,
    );
    const blocks = await allScores(query, documents);
    expect([...blocks[0]!.scores]).toEqual([-6, -6, -6, -6, -6]);
  });

  it('cuts to what the backend can hold', async () => {
    const random = createRandom(3);
    const lists = [randomSets(random, [20, 30, 9], 4), randomSets(random, [9, 2, 30, 17, 17, 17], 4)] as const;
    const [queries, documents] = [packVectors(lists[0], 4), packVectors(lists[1], 4)];
    const uploads: number[] = [];
    const small: Backend = {
      ...backend,
      capabilities: { ...backend.capabilities, maxBufferBytes: 8192 },
      upload: (type, data) => {
        uploads.push(data.byteLength);
        return backend.upload(type, data);
      },
      compile: (program) => backend.compile(program),
      download: (buffer) => backend.download(buffer),
      free: (buffer) => {
        backend.free(buffer);
      },
    };
    const [cut] = await allScores(queries, documents, {}, small);
    const [whole] = await allScores(queries, documents);
    expect(Math.max(...uploads)).toBeLessThanOrEqual(8192);
    expect(cut!.scores).toEqual(whole!.scores);
  });

  it('frees what it holds when a score is out of range', async () => {
    const huge = packVectors([Float32Array.of(3e38, 3e38)], 2);
    const before = backend.memory();
    expect(await codeOf(() => allScores(huge, huge))).toBe('data');
    expect(backend.memory()).toEqual(before);
  });

  it('refuses what does not fit', async () => {
    const sets = packVectors([Float32Array.of(1, 2)], 2);
    expect(await codeOf(() => allScores(sets, packVectors([], 3)))).toBe('shape');
    expect(await codeOf(() => allScores({ ...sets, offsets: [0, 2] }, sets))).toBe('shape');
    expect(await codeOf(() => allScores({ ...sets, offsets: [0, 2, 1] }, sets))).toBe('shape');
    expect(await codeOf(() => allScores(sets, { ...sets, data: Float32Array.of(1, Number.NaN) }))).toBe('data');
    expect(await codeOf(() => allScores(sets, sets, { scoresPerBlock: 0 }))).toBe('argument');
    expect(await codeOf(() => maxSimSearch(backend, sets, sets, 0))).toBe('argument');
    expect(await codeOf(() => packVectors([new Float32Array(3)], 2))).toBe('shape');
  });
});

describe('blocks', () => {
  it('have every document once, with little padding and few widths', () => {
    const random = createRandom(2);
    const counts = Array.from({ length: 3000 }, () => random.integer(200));
    const sets = packVectors(
      counts.map((count) => new Float32Array(count)),
      1,
    );
    const blocks = planDocumentBlocks(sets, 4096);
    const seen = blocks.flatMap(({ documents }) => documents).sort((a, b) => a - b);
    expect(seen).toEqual([...counts.keys()].filter((index) => counts[index]! > 0));
    expect(new Set(blocks.map(({ width }) => width)).size).toBeLessThan(18);
    // One program for each width.
    expect(new Set(blocks.map(({ width, places }) => `${width} ${places}`)).size).toBe(
      new Set(blocks.map(({ width }) => width)).size,
    );
    for (const { documents, width, places } of blocks) {
      expect(places * width).toBeLessThanOrEqual(4096);
      expect(documents.length).toBeLessThanOrEqual(places);
      for (const index of documents) expect(width).toBeGreaterThanOrEqual(counts[index]!);
    }
    const padded = blocks.reduce((sum, { places, width }) => sum + places * width, 0);
    expect(padded).toBeLessThan(1.34 * counts.reduce((sum, count) => sum + count, 0));
  });

  it('have every query once, in order', () => {
    const counts = [5, 0, 600, 1, 511, 1, 512, 3];
    const sets = packVectors(
      counts.map((count) => new Float32Array(count)),
      1,
    );
    expect(planQueryRuns(sets, 512)).toEqual([
      { start: 0, end: 2 },
      { start: 2, end: 3 },
      { start: 3, end: 5 },
      { start: 5, end: 6 },
      { start: 6, end: 7 },
      { start: 7, end: 8 },
    ]);
    // 200 queries of 16 are 6.25 runs of 512: 7 runs of nearly the same size.
    const alike = packVectors(
      Array.from({ length: 200 }, () => new Float32Array(16)),
      1,
    );
    expect(planQueryRuns(alike, 512).map(({ start, end }) => end - start)).toEqual([29, 29, 29, 29, 29, 29, 26]);
  });
});

import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { meanAndSpread, wilsonInterval } from '../../src/compare/interval.ts';
import { Ranker } from '../../src/compare/ranking.ts';
import { retrieveByVector } from '../../src/compare/retrieval.ts';
import { clusterDocuments } from '../../src/compare/clustering.ts';

const random = createRandom(6);

describe('Ranker', () => {
  it('orders as a comparing sort does, ties by row', () => {
    const ranker = new Ranker(500);
    for (let round = 0; round < 20; round++) {
      const scores = Float32Array.from({ length: 500 }, () =>
        random.integer(3) === 0 ? Math.round(random.normal()) : random.normal() * 10 ** (random.integer(20) - 10),
      );
      const wanted = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
      expect([...ranker.rank(scores)]).toEqual(wanted);
    }
  });
});

describe('retrieveByVector', () => {
  it('gives the measures of rankings by cosine, one query after the other in float64', async () => {
    const [documents, queries, width] = [300, 40, 9];
    const make = (
      count: number,
    ): { features: { data: Float32Array; documents: number; width: number }; classes: Int32Array } => {
      const classes = Int32Array.from({ length: count }, () => random.integer(4));
      const data = Float32Array.from(
        { length: count * width },
        (_, i) => random.normal() + (i % width === classes[Math.floor(i / width)] ? 2 : 0),
      );
      return { features: { data, documents: count, width }, classes };
    };
    const [train, test] = [make(documents), make(queries)];
    const found = await retrieveByVector(cpuBackend(), train, test);
    const row = (data: Float32Array, i: number): number[] => [...data.subarray(i * width, (i + 1) * width)];
    const cosine = (a: number[], b: number[]): number =>
      a.reduce((sum, x, i) => sum + x * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b);
    const totals = [0, 0, 0];
    for (let q = 0; q < queries; q++) {
      const scores = Array.from({ length: documents }, (_, d) =>
        cosine(row(test.features.data, q), row(train.features.data, d)),
      );
      const hits = [...scores.keys()]
        .sort((a, b) => scores[b]! - scores[a]!)
        .map((d) => train.classes[d] === test.classes[q]);
      const total = hits.filter(Boolean).length;
      const gain = (list: readonly boolean[]): number =>
        list.slice(0, 10).reduce((sum, hit, i) => sum + (hit ? 1 / Math.log2(i + 2) : 0), 0);
      totals[0]! += gain(hits) / gain(Array.from({ length: total }, () => true));
      totals[1]! += hits.slice(0, 10).filter(Boolean).length / 10;
      totals[2]! +=
        hits.reduce((sum, hit, i) => sum + (hit ? hits.slice(0, i + 1).filter(Boolean).length / (i + 1) : 0), 0) /
        total;
    }
    expect(found.ndcg10).toBeCloseTo(totals[0]! / queries, 6);
    expect(found.precision10).toBeCloseTo(totals[1]! / queries, 6);
    expect(found.meanAveragePrecision).toBeCloseTo(totals[2]! / queries, 6);
  });
});

describe('clusterDocuments', () => {
  it('finds classes that point into different directions', async () => {
    const classes = Int32Array.from({ length: 120 }, (_, i) => i % 3);
    const data = Float32Array.from(
      { length: 120 * 5 },
      (_, i) => (i % 5 === classes[Math.floor(i / 5)] ? 10 : 0) + random.normal(),
    );
    const scores = await clusterDocuments(
      cpuBackend(),
      { features: { data, documents: 120, width: 5 }, classes },
      3,
      0,
    );
    expect(scores.accuracy).toBeGreaterThan(0.95);
    expect(scores.adjustedRand).toBeGreaterThan(0.9);
  });
});

describe('wilsonInterval', () => {
  it('holds the share that was drawn from, 95 times in 100', () => {
    let inside = 0;
    for (let trial = 0; trial < 2000; trial++) {
      let hits = 0;
      for (let i = 0; i < 80; i++) if (random.uniform() < 0.9) hits++;
      const { low, high } = wilsonInterval(hits / 80, 80);
      if (low <= 0.9 && 0.9 <= high) inside++;
    }
    expect(inside / 2000).toBeGreaterThan(0.93);
    expect(inside / 2000).toBeLessThan(0.98);
    // Newcombe 1998, table I: 81 of 263.
    expect(wilsonInterval(81 / 263, 263).low).toBeCloseTo(0.2553, 4);
    expect(wilsonInterval(81 / 263, 263).high).toBeCloseTo(0.3662, 4);
  });

  it('gives the sample deviation over seeds', () => {
    expect(meanAndSpread([1, 2, 3])).toEqual({ mean: 2, spread: 1 });
    expect(meanAndSpread([5])).toEqual({ mean: 5, spread: 0 });
  });
});

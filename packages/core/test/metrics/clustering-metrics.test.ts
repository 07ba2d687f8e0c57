import { describe, expect, it } from 'vitest';
import { adjustedRandIndex } from '../../src/metrics/adjusted-rand.ts';
import { clusteringAccuracy, matchClusters } from '../../src/metrics/clustering-accuracy.ts';
import { contingency, contingencyCounter } from '../../src/metrics/contingency.ts';
import { mutualInformation, normalizedMutualInformation } from '../../src/metrics/mutual-information.ts';
import { recallFromTable, recallPerClass } from '../../src/metrics/recall.ts';
import { cases } from './metrics-cases.ts';
import { codeOf } from '../support/thrown.ts';

describe.each(cases)('$name', ({ assignments, labels, nmi, ari, mi, acc }) => {
  it('has the NMI of scikit-learn, both ways round', () => {
    expect(normalizedMutualInformation(assignments, labels)).toBeCloseTo(nmi, 13);
    expect(normalizedMutualInformation(labels, assignments)).toBeCloseTo(nmi, 13);
    expect(mutualInformation(assignments, labels)).toBeCloseTo(mi, 13);
  });

  it('has the ARI of scikit-learn, both ways round', () => {
    expect(adjustedRandIndex(assignments, labels)).toBeCloseTo(ari, 13);
    expect(adjustedRandIndex(labels, assignments)).toBeCloseTo(ari, 13);
  });

  it('has the ACC of scipy', () => {
    expect(clusteringAccuracy(assignments, labels)).toBe(acc);
  });

  it('has the same from a table that was counted pair by pair', () => {
    const counter = contingencyCounter();
    assignments.forEach((cluster, item) => counter.add(cluster, labels[item]!));
    const table = counter.table();
    expect(table).toEqual(contingency(assignments, labels));
    expect(normalizedMutualInformation(table)).toBeCloseTo(nmi, 13);
    expect(mutualInformation(table)).toBeCloseTo(mi, 13);
    expect(adjustedRandIndex(table)).toBeCloseTo(ari, 13);
    expect(clusteringAccuracy(table)).toBe(acc);
    const { classOfCluster } = matchClusters(table);
    expect(recallFromTable(table, classOfCluster)).toEqual(recallPerClass(assignments, labels));
  });

  it('does not change when labels are renamed', () => {
    const renamed = labels.map((label) => `class ${(label * 7) % 11}`);
    const clusters = Int32Array.from(assignments, (cluster) => -cluster);
    expect(normalizedMutualInformation(clusters, renamed)).toBeCloseTo(nmi, 13);
    expect(adjustedRandIndex(clusters, renamed)).toBeCloseTo(ari, 13);
    expect(clusteringAccuracy(clusters, renamed)).toBe(acc);
  });
});

describe('limits', () => {
  it('follows scikit-learn without items and with one', () => {
    // scikit-learn 1.9.1: normalized_mutual_info_score([], []) = adjusted_rand_score([], []) = 1, also for [0], [0].
    expect(normalizedMutualInformation([], [])).toBe(1);
    expect(adjustedRandIndex([], [])).toBe(1);
    expect(mutualInformation([], [])).toBe(0);
    expect(normalizedMutualInformation([0], [3])).toBe(1);
    expect(adjustedRandIndex([0], [3])).toBe(1);
    expect(codeOf(() => clusteringAccuracy([], []))).toBe('data');
  });

  it('gives exactly 0 where scikit-learn does', () => {
    expect(normalizedMutualInformation([0, 0, 1, 1], [0, 1, 0, 1])).toBe(0);
    expect(normalizedMutualInformation([0, 0, 0], [0, 1, 2])).toBe(0);
  });
});

describe('contingency', () => {
  it('counts pairs in label order', () => {
    expect(contingency(['b', 2, 'a', 10, 2], new Int32Array([1, 0, 1, 1, 0]))).toEqual({
      rows: [2, 10, 'a', 'b'],
      columns: [0, 1],
      counts: new Float64Array([2, 0, 0, 1, 0, 1, 0, 1]),
      rowSums: new Float64Array([2, 1, 1, 1]),
      columnSums: new Float64Array([2, 3]),
      total: 5,
    });
  });

  it('tells 1 from its text', () => {
    expect(contingency([1, '1'], [0, 0]).rows).toEqual([1, '1']);
  });

  it('refuses lengths and labels that do not fit', () => {
    expect(codeOf(() => contingency([1, 2], [1]))).toBe('shape');
    expect(codeOf(() => contingency([1, NaN], [1, 1]))).toBe('data');
    expect(codeOf(() => contingency([1, 1], [1, 0.5]))).toBe('data');
    const many = Int32Array.from({ length: 8193 }, (_, i) => i);
    expect(codeOf(() => contingency(many, many))).toBe('limit');
  });
});

describe('contingencyCounter', () => {
  it('refuses a label that is no whole number, and has an empty table before the first pair', () => {
    const counter = contingencyCounter();
    expect(counter.table()).toMatchObject({ rows: [], columns: [], total: 0 });
    counter.add(1, 'a');
    expect(codeOf(() => counter.add(0.5, 'a'))).toBe('data');
    expect(codeOf(() => counter.add(2, NaN))).toBe('data');
    expect(counter.table()).toMatchObject({ rows: [1], columns: ['a'], total: 1 });
  });

  it('refuses a table of more than 2^26 cells, whatever came', () => {
    const counter = contingencyCounter();
    for (let item = 0; item <= 2 ** 13; item++) counter.add(item, item);
    expect(codeOf(() => counter.table())).toBe('limit');
  });
});

describe('matchClusters', () => {
  it('matches against the greedy choice where that is better in sum', () => {
    // Cluster 0: 5 x, 4 y. Cluster 1: 4 x. Greedy gives x to cluster 0 (5 correct), the best match 4 + 4.
    const assignments = [...Array<number>(9).fill(0), ...Array<number>(4).fill(1)];
    const labels = [...Array<string>(5).fill('x'), ...Array<string>(4).fill('y'), ...Array<string>(4).fill('x')];
    const match = matchClusters(assignments, labels);
    expect(match.classOfCluster).toEqual(
      new Map([
        [0, 'y'],
        [1, 'x'],
      ]),
    );
    expect(match.correct).toBe(8);
    expect(match.accuracy).toBe(8 / 13);
  });

  it('leaves clusters without a class when there are too many', () => {
    const match = matchClusters([0, 1, 1, 2], ['a', 'a', 'a', 'a']);
    expect(match.classOfCluster).toEqual(new Map([[1, 'a']]));
    expect(match.correct).toBe(2);
  });
});

describe('recallPerClass', () => {
  it('judges each class by its own cluster', () => {
    // Class 0: both in cluster 7. Class 1: one of three in cluster 8, but cluster 8 goes to class 1. Class 2: no cluster.
    expect(recallPerClass([7, 7, 8, 8, 7, 7], [0, 0, 1, 1, 1, 2])).toEqual([
      { label: 0, support: 2, recall: 1 },
      { label: 1, support: 3, recall: 2 / 3 },
      { label: 2, support: 1, recall: 0 },
    ]);
  });

  it('weighs up to the accuracy', () => {
    for (const { assignments, labels, acc } of cases) {
      const recalls = recallPerClass(assignments, labels);
      expect(recalls.reduce((sum, { support, recall }) => sum + support * recall, 0) / labels.length).toBeCloseTo(
        acc,
        14,
      );
    }
  });

  it('takes a match found elsewhere', () => {
    // scikit-learn 1.9.1: recall_score([0, 0, 1, 1, 2], [0, 1, 1, 1, 0], average=None) = [0.5, 1, 0].
    const match = new Map([
      ['p', 0],
      ['q', 1],
    ]);
    expect(recallPerClass(['p', 'q', 'q', 'q', 'p'], [0, 0, 1, 1, 2], match).map(({ recall }) => recall)).toEqual([
      0.5, 1, 0,
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { balancedRows } from '../src/catalogue.ts';
import { bestRun, kMeansRuns } from '../src/k-means.ts';
import { drawPlantedOutliers, plantedOutliersPage } from '../src/planted-outliers.ts';
import { agreement, spreadOf, standardize } from '../src/statistics.ts';
import { formatSpread, markdownTable } from '../src/table.ts';

describe('k-means', () => {
  it('finds three crowds, and its hard error is that of its codes', () => {
    const data = Float64Array.from({ length: 90 }, (_, index) => 10 * Math.floor(index / 30) + Math.sin(index));
    const best = bestRun(kMeansRuns(data, 1, 3, [0, 1, 2, 3, 4]));
    const crowd = (index: number): number => best.codes[30 * index]!;
    expect(new Set([crowd(0), crowd(1), crowd(2)]).size).toBe(3);
    for (let row = 0; row < 90; row++) expect(best.codes[row]).toBe(crowd(Math.floor(row / 30)));
    let expected = 0;
    for (let group = 0; group < 3; group++) {
      const own = Array.from(data.subarray(30 * group, 30 * group + 30));
      expected += (30 / 90) * spreadOf(own).deviation ** 2;
    }
    expect(best.hard).toBeCloseTo(expected, 10);
  });
});

describe('planted outliers', () => {
  it('have the clusters and the noise that they should', () => {
    const data = drawPlantedOutliers(5000, 3);
    expect(data).toEqual(drawPlantedOutliers(5000, 3));
    expect(data).not.toEqual(drawPlantedOutliers(5000, 4));
    // 8 clusters: within them the variance is 16, and the outliers add 1 % of about 2.5^2 times the whole.
    const best = bestRun(kMeansRuns(data, 16, 8, [0, 1, 2, 3, 4]));
    const whole = 16 * spreadOf(Array.from(data)).deviation ** 2;
    expect(best.hard).toBeGreaterThan(16);
    expect(best.hard).toBeLessThan(0.4 * whole);
  });

  it('give a page that counts what holds', () => {
    const result = { prototypes: 8, seed: 0, used: 1, distinct: 8, restarts: [1.005, 1.2], hard: 1.005, kMeans: 1 };
    const page = plantedOutliersPage(
      [result, { ...result, seed: 1, used: 0.5 }, { ...result, seed: 2, hard: 1.02 }],
      'x',
    );
    expect(page).toContain('In all: 1 of 3.');
    expect(page).toContain('| 8 | 1 of 3 | 3 of 3 | 1 |');
  });
});

describe('statistics', () => {
  it('spread, standardize, agreement', () => {
    expect(spreadOf([1, 3])).toEqual({ mean: 2, deviation: 1, min: 1, max: 3 });
    expect([...standardize(Float64Array.of(1, 10, 3, 30), 2)]).toEqual([-1, -1, 1, 1]);
    expect(agreement([Int32Array.of(0, 0, 1, 1), Int32Array.of(1, 1, 0, 0)])).toBe(1);
    expect(agreement([Int32Array.of(0, 0, 1, 1), Int32Array.of(0, 1, 0, 1)])).toBeLessThan(0);
  });

  it('draws a balanced sample', () => {
    const labels = Array.from({ length: 100 }, (_, index) => (index < 80 ? 'a' : index < 90 ? 'b' : 'c'));
    const rows = balancedRows(labels, 1);
    expect(rows.length).toBe(30);
    expect(rows).toEqual(rows.toSorted((a, b) => a - b));
    for (const label of ['a', 'b', 'c']) expect(rows.filter((row) => labels[row] === label).length).toBe(10);
    expect(balancedRows(labels, 2)).not.toEqual(rows);
  });
});

describe('tables', () => {
  it('are Markdown', () => {
    expect(markdownTable(['a', 'b'], [['1', '2']])).toBe('| a | b |\n| --- | --- |\n| 1 | 2 |');
    expect(formatSpread(spreadOf([0.5, 0.5]))).toBe('0.500');
    expect(formatSpread(spreadOf([0.5, 0.7]))).toBe('0.600 ± 0.100 (0.500 to 0.700)');
  });
});

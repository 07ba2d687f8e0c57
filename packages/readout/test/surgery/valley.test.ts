import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { groupsOfCells, joinGroups } from '../../src/surgery/cell-groups.ts';
import { joinPath } from '../../src/surgery/join-path.ts';
import { axisHistogram, valleyEvidence } from '../../src/surgery/valley.ts';

const random = createRandom(6);

function sampleOf(rows: readonly (readonly number[])[]) {
  const dimension = rows[0]!.length;
  return { rows: Float64Array.from(rows.flat()), weights: new Float64Array(rows.length).fill(1), dimension };
}

describe('axisHistogram', () => {
  it('places each token by centroids that were computed without it', () => {
    const dimension = 3;
    const rows = Array.from({ length: 40 }, (_, n) => [
      (n % 2) * 3 + random.normal(),
      random.normal(),
      2 * random.normal(),
    ]);
    const sample = sampleOf(rows);
    sample.weights.forEach((_, n) => (sample.weights[n] = 1 + (n % 3)));
    const [a, b] = groupsOfCells(sample, Float64Array.of(0, 0, 0, 3, 0, 0)) as [never, never];
    const expected = new Float64Array(80);
    const memberships = [a, b].map((group: { members: Int32Array }) => [...group.members]);
    memberships.forEach((own) => {
      for (const token of own) {
        const centroids = memberships.map((members) => {
          const others = members.filter((n) => n !== token);
          const weight = others.reduce((sum, n) => sum + sample.weights[n]!, 0);
          return Array.from(
            { length: dimension },
            (_, axis) => others.reduce((sum, n) => sum + sample.weights[n]! * rows[n]![axis]!, 0) / weight,
          );
        });
        const [from, to] = centroids as [number[], number[]];
        const axis = to.map((x, i) => x - from[i]!);
        const length = axis.reduce((sum, x) => sum + x * x, 0);
        const along = axis.reduce((sum, x, i) => sum + x * (rows[token]![i]! - (from[i]! + to[i]!) / 2), 0);
        const bin = Math.floor(((2 * along) / length + 2) * 20);
        if (bin >= 0 && bin < 80) expected[bin]! += sample.weights[token]! / 2;
      }
    });
    expect(axisHistogram(sample, a, b, 2)).toEqual(expected);
  });

  it('shows no valley in one cluster that was cut in two, however many dimensions it has', () => {
    for (const [dimension, tokens] of [
      [2, 400],
      [64, 60],
      [200, 60],
    ] as const) {
      const sample = sampleOf(
        Array.from({ length: tokens }, () => Array.from({ length: dimension }, () => random.normal())),
      );
      // Lloyd's iterations from two tokens: the halves that overfit the most.
      let prototypes = sample.rows.slice(0, 2 * dimension);
      for (let round = 0; round < 20; round++) {
        const groups = groupsOfCells(sample, prototypes);
        prototypes = Float64Array.from(groups.flatMap(({ centroid }) => [...centroid]));
      }
      const [a, b] = groupsOfCells(sample, prototypes);
      expect(valleyEvidence(axisHistogram(sample, a!, b!, 1))).toBeLessThan(0.5);
    }
  });
});

describe('valleyEvidence', () => {
  const bins = (left: number, middle: number, right: number): Float64Array => {
    const made = new Float64Array(80);
    // The windows around -1, 0 and 1 hold ten bins each.
    for (const [start, count] of [
      [0, left],
      [30, middle],
      [50, right],
    ] as const)
      made.fill(count / (start === 0 ? 30 : start === 30 ? 20 : 30), start, start + (start === 30 ? 20 : 30));
    return made;
  };

  it('is the likelihood ratio of a free valley and one half as deep as the lower side', () => {
    // 10 tokens in a window of the lower side, 2 in one of the valley.
    const made = bins(90, 4, 30);
    const free = 10 * Math.log(10 / 12) + 2 * Math.log(2 / 12);
    const half = 10 * Math.log(2 / 3) + 2 * Math.log(1 / 3);
    expect(valleyEvidence(made)).toBeCloseTo(free - half, 10);
    expect(valleyEvidence(bins(30, 4, 90))).toBeCloseTo(free - half, 10);
    expect(valleyEvidence(bins(30, 0, 30))).toBeCloseTo(10 * Math.log(1.5), 10);
  });

  it('is negative without a valley, and 0 without tokens', () => {
    expect(valleyEvidence(bins(30, 12, 30))).toBeLessThan(0);
    expect(valleyEvidence(bins(30, 20, 30))).toBeLessThan(valleyEvidence(bins(30, 12, 30)));
    expect(valleyEvidence(bins(300, 0, 0))).toBe(0);
    expect(valleyEvidence(new Float64Array(80))).toBe(0);
  });
});

describe('joinPath', () => {
  it('joins Ward-wise what has no valley, then the rest, and keeps the exact error', () => {
    // Four clusters on a square: once two are joined, their common centroid lies where no token is.
    const rows = Array.from({ length: 400 }, (_, n) => [
      8 * (n % 2) + random.normal(),
      8 * (Math.floor(n / 2) % 2) + random.normal(),
    ]);
    const sample = sampleOf(rows);
    const prototypes = Float64Array.from(rows.slice(0, 12).flat());
    const price = 1.5;
    const path = joinPath(sample, prototypes, price);
    expect(path.map(({ groups }) => groups.length)).toEqual(
      Array.from({ length: path.length }, (_, k) => path.length - k),
    );
    const four = path.length - 4;
    path.forEach(({ groups, hard, evidence }, step) => {
      let error = 0;
      for (const { members } of groups) {
        const centre = [0, 1].map((axis) => members.reduce((sum, n) => sum + rows[n]![axis]!, 0) / members.length);
        for (const n of members) error += (rows[n]![0]! - centre[0]!) ** 2 + (rows[n]![1]! - centre[1]!) ** 2;
      }
      expect(hard).toBeCloseTo(error / 400, 9);
      if (step < four) expect(evidence).toBeLessThan(price);
      else if (groups.length > 1) expect(evidence).toBeGreaterThan(10);
      else expect(evidence).toBeUndefined();
    });
    // Along x one pair of clusters has variance 1 + 4^2; the last join is of all, whichever way it was cut.
    expect(path.at(-1)!.temperature! / 4).toBeGreaterThan(14);
    expect(path[0]!.temperature).toBeUndefined();
  });
});

describe('joinPath on a ring with a centre', () => {
  it('keeps groups apart whose parts are, wherever their common centroids lie', () => {
    const rows = Array.from({ length: 900 }, (_, n) => {
      const [radius, angle] = [n % 9 === 8 ? 0 : 16, ((n % 9) * Math.PI) / 4];
      return [radius * Math.cos(angle) + random.normal(), radius * Math.sin(angle) + random.normal()];
    });
    const path = joinPath(sampleOf(rows), Float64Array.from(rows.slice(0, 27).flat()), 1.5);
    for (const { groups, evidence } of path) {
      if (groups.length > 9) expect(evidence).toBeLessThan(1.5);
      else if (groups.length > 1) expect(evidence).toBeGreaterThan(10);
    }
  });
});

describe('joinGroups', () => {
  it('is the group of both', () => {
    const sample = sampleOf([[0], [1], [5], [9]]);
    const [a, b, c] = groupsOfCells(sample, Float64Array.of(0, 5, 100, 9));
    const joined = joinGroups(sample, a!, b!);
    expect(joined).toMatchObject({ cells: [0, 1], weight: 3 });
    expect([...joined.members]).toEqual([0, 1, 2]);
    expect([...joined.centroid]).toEqual([2]);
    expect([...joined.distances]).toEqual([4, 1, 9, 49]);
    expect(c!.cells).toEqual([3]);
  });
});

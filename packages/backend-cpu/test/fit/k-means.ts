import { createRandom, type Random } from '@ddcl/core';

type Rows = readonly (readonly number[])[];

const squared = (a: readonly number[], b: readonly number[]): number => {
  let total = 0;
  for (let axis = 0; axis < a.length; axis++) total += (a[axis]! - b[axis]!) ** 2;
  return total;
};

const nearestOf = (z: readonly number[], centres: Rows): number => {
  let best = 0;
  for (let k = 1; k < centres.length; k++) if (squared(z, centres[k]!) < squared(z, centres[best]!)) best = k;
  return best;
};

/** k-means++ (Arthur, Vassilvitskii 2007), plain. */
function plusPlus(rows: Rows, count: number, random: Random): number[][] {
  const centres = [[...rows[random.integer(rows.length)]!]];
  while (centres.length < count) {
    const distances = rows.map((z) => squared(z, centres[nearestOf(z, centres)]!));
    let left = random.uniform() * distances.reduce((a, b) => a + b);
    const chosen = distances.findIndex((distance) => (left -= distance) < 0);
    centres.push([...rows[Math.max(0, chosen)]!]);
  }
  return centres;
}

/** Lloyd's algorithm until no token changes its centre; an empty cell keeps its centre. The mean squared distance. */
function lloyd(rows: Rows, count: number, random: Random): number {
  let centres = plusPlus(rows, count, random);
  let codes: number[] = [];
  for (let round = 0; round < 300; round++) {
    const next = rows.map((z) => nearestOf(z, centres));
    if (next.every((code, n) => code === codes[n])) break;
    codes = next;
    const sums = centres.map((centre) => ({ total: centre.map(() => 0), members: 0 }));
    rows.forEach((z, n) => {
      const cell = sums[codes[n]!]!;
      cell.members++;
      z.forEach((x, axis) => (cell.total[axis]! += x));
    });
    centres = centres.map((centre, k) => {
      const { total, members } = sums[k]!;
      return members === 0 ? centre : total.map((x) => x / members);
    });
  }
  return rows.reduce((total, z) => total + squared(z, centres[nearestOf(z, centres)]!), 0) / rows.length;
}

/** The lowest mean squared distance of some runs of k-means: the baseline, sharing no code with the library but its random numbers. */
export function kMeans(rows: Rows, count: number, runs: number, seed = 0): number {
  const random = createRandom(seed);
  return Math.min(...Array.from({ length: runs }, (_, run) => lloyd(rows, count, random.fork(run))));
}

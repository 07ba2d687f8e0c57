import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { normalizeVectors } from '../../src/numbers/normalize-vectors.ts';
import { squaredDistances, wardJoins } from '../../src/late-interaction/ward-linkage.ts';
import { wardPool } from '../../src/late-interaction/ward.ts';
import { codeOf } from '../thrown.ts';

// scipy 1.17.1: i, j = np.arange(24)[:, None], np.arange(5)[None, :]
// x = np.sin(1.7*i + 2.3*j*j + 0.6*i*j) + 0.5*np.cos(i % 4 + j); x /= np.linalg.norm(x, axis=1, keepdims=True)
// Z = linkage(x, 'ward'); heights = Z[:, 2]; clusters = fcluster(Z, t, 'maxclust'), renumbered by first occurrence.
const heights = [
  0.34440329005547526, 0.3811502954523362, 0.45381041523795823, 0.535598746876261, 0.5505211351328367,
  0.6165483680735068, 0.7305569846039965, 0.7372338482577818, 0.7585965335207489, 0.8686693450357964,
  0.9066704042316727, 0.9795500348541794, 1.0069932604640088, 1.0570932503166277, 1.2669050901525396, 1.378187311970157,
  1.3920786762935458, 1.4237253339460418, 1.642372424800376, 1.9771137680003164, 2.4208359726465893, 2.795847899578773,
  3.355844325333529,
];
const clusters: Readonly<Record<number, readonly number[]>> = {
  2: [0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0],
  5: [0, 1, 2, 3, 1, 0, 4, 3, 0, 1, 2, 2, 1, 2, 3, 4, 0, 4, 3, 0, 1, 4, 2, 1],
  9: [0, 1, 2, 3, 1, 4, 5, 3, 6, 7, 8, 2, 1, 8, 3, 5, 4, 5, 3, 6, 7, 5, 8, 7],
};
/** `x[labels == labels[0]].mean(0)` at t = 5. */
const firstMean = [
  0.42203352644977, 0.46315586557855887, -0.05678018580483244, -0.03210275083482252, 0.1538234407151062,
];

function scipyPoints(): Float64Array {
  return Float64Array.from({ length: 24 * 5 }, (_, place) => {
    const [i, j] = [Math.floor(place / 5), place % 5];
    return Math.sin(1.7 * i + 2.3 * j * j + 0.6 * i * j) + 0.5 * Math.cos((i % 4) + j);
  });
}

describe('the numbers of scipy', () => {
  it('has the same heights', () => {
    const points = scipyPoints();
    normalizeVectors(points, 5);
    const joins = wardJoins(squaredDistances(points, 24, 5), 24);
    expect(joins).toHaveLength(23);
    joins.forEach(({ cost }, index) => expect(Math.sqrt(cost)).toBeCloseTo(heights[index]!, 12));
  });

  it.each([2, 5, 9])('has the same %i clusters', (count) => {
    const pooled = wardPool(scipyPoints(), 5, count);
    expect([...pooled.clusters]).toEqual(clusters[count]);
    expect(pooled.shape).toEqual([count, 5]);
    expect(pooled.data).toHaveLength(count * 5);
  });

  it('has the same mean, and at length 1 if not asked otherwise', () => {
    const plain = wardPool(scipyPoints(), 5, 5, { normalize: false });
    const unit = wardPool(scipyPoints(), 5, 5);
    const length = Math.hypot(...firstMean);
    firstMean.forEach((value, axis) => {
      expect(plain.data[axis]).toBeCloseTo(value, 7);
      expect(unit.data[axis]).toBeCloseTo(value / length, 7);
    });
  });
});

/** Ward by its definition: of all pairs, join the one whose union adds least squared error; centroids, no recurrence. */
function naiveClusters(points: Float64Array, rows: number, dimension: number, count: number): Set<string> {
  let groups = Array.from({ length: rows }, (_, row) => [row]);
  const errorOf = (group: readonly number[]): number => {
    let error = 0;
    for (let axis = 0; axis < dimension; axis++) {
      const values = group.map((row) => points[row * dimension + axis]!);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      error += values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    }
    return error;
  };
  while (groups.length > count) {
    let [best, pair]: [number, readonly [number, number]] = [Infinity, [0, 1]];
    groups.forEach((a, i) =>
      groups.slice(i + 1).forEach((b, offset) => {
        const growth = errorOf([...a, ...b]) - errorOf(a) - errorOf(b);
        if (growth < best) [best, pair] = [growth, [i, i + 1 + offset]];
      }),
    );
    const [i, j] = pair;
    groups = [...groups.filter((_, index) => index !== i && index !== j), [...groups[i]!, ...groups[j]!]];
  }
  return new Set(groups.map((group) => group.toSorted((a, b) => a - b).join(' ')));
}

describe('any document', () => {
  it.each([
    [2, 3, 1],
    [15, 2, 4],
    [26, 3, 1],
    [26, 8, 6],
    [31, 4, 30],
  ])('has the clusters of the definition: %i tokens of width %i to %i', (rows, dimension, count) => {
    for (let seed = 0; seed < 4; seed++) {
      const random = createRandom(100 * rows + seed);
      const tokens = Float64Array.from({ length: rows * dimension }, () => random.normal());
      const { clusters: made, shape } = wardPool(tokens, dimension, count);
      const points = tokens.slice();
      normalizeVectors(points, dimension);
      const groups = Array.from({ length: count }, (): number[] => []);
      made.forEach((cluster, row) => groups[cluster]!.push(row));
      expect(new Set(groups.map((group) => group.join(' ')))).toEqual(naiveClusters(points, rows, dimension, count));
      expect(shape).toEqual([count, dimension]);
    }
  });

  it('keeps all tokens of a document that has no more than count', () => {
    const pooled = wardPool(Float32Array.of(3, 4, 0, 0, 0, -2), 2, 8);
    expect(pooled.shape).toEqual([3, 2]);
    [0.6, 0.8, 0, 0, 0, -1].forEach((value, place) => expect(pooled.data[place]).toBeCloseTo(value, 7));
    expect([...pooled.clusters]).toEqual([0, 1, 2]);
    expect(wardPool(new Float32Array(0), 2, 8).shape).toEqual([0, 2]);
  });

  it('joins equal directions first, whatever their length', () => {
    const pooled = wardPool(Float32Array.of(1, 0, 0, 1, 5, 0, 0.7, 0.8, 9, 0), 2, 3);
    expect([...pooled.clusters]).toEqual([0, 1, 0, 2, 0]);
    const same = wardPool(new Float32Array(40).fill(1), 4, 3);
    expect(same.shape).toEqual([3, 4]);
    expect(same.data).toEqual(new Float32Array(12).fill(0.5));
  });

  it('is fast enough for a collection', () => {
    const random = createRandom(5);
    const tokens = Float32Array.from({ length: 128 * 384 }, () => random.normal());
    const times = Array.from({ length: 12 }, () => {
      const start = performance.now();
      wardPool(tokens, 384, 16);
      return performance.now() - start;
    });
    // 5 ms on an idle core; an O(rows^3) method, or one that allocates per pair, takes far longer.
    expect(Math.min(...times)).toBeLessThan(40);
  });
});

describe('refusals', () => {
  it('names what does not fit', async () => {
    expect(await codeOf(() => wardPool(new Float32Array(6), 2, 0))).toBe('argument');
    expect(await codeOf(() => wardPool(new Float32Array(7), 2, 1))).toBe('shape');
    expect(await codeOf(() => wardPool(Float32Array.of(1, Number.NaN), 2, 1))).toBe('data');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distinctPrototypes } from '../../src/metrics/distinct.ts';
import { entropy, perplexity } from '../../src/metrics/perplexity.ts';
import { separation } from '../../src/metrics/separation.ts';
import { codeOf } from '../support/thrown.ts';

describe('separation', () => {
  it('is the mean and the minimum over pairs', () => {
    // A 3-4-5 triangle: distances 3, 4 and 5.
    expect(separation(new Float64Array([0, 0, 3, 0, 3, 4]), 3, 2)).toEqual({ mean: 4, min: 3 });
    expect(separation(new Float32Array([0, 0, 3, 0, 3, 4, 0, 0]), 4, 2)).toEqual({
      mean: (3 + 5 + 0 + 4 + 3 + 5) / 6,
      min: 0,
    });
  });

  it('is 0 for one prototype', () => {
    expect(separation(new Float64Array([1, 2, 3]), 1, 3)).toEqual({ mean: 0, min: 0 });
  });

  it('keeps small distances far from the origin', () => {
    expect(separation(new Float64Array([1e8, 1e8 + 1]), 2, 1)).toEqual({ mean: 1, min: 1 });
  });

  it('refuses other shapes and numbers', () => {
    expect(codeOf(() => separation(new Float64Array(5), 3, 2))).toBe('shape');
    expect(codeOf(() => separation(new Float64Array(0), 0, 2))).toBe('argument');
    expect(codeOf(() => separation(new Float64Array([1, NaN]), 2, 1))).toBe('data');
  });
});

/** Groups by spreading a label until nothing changes. */
function groupsBySpreading(points: readonly number[], distance: number): number {
  const labels = points.map((_, i) => i);
  for (let changed = true; changed;) {
    changed = false;
    points.forEach((p, i) =>
      points.forEach((q, j) => {
        if (Math.abs(p - q) < distance && labels[i]! > labels[j]!) {
          labels[i] = labels[j]!;
          changed = true;
        }
      }),
    );
  }
  return new Set(labels).size;
}

describe('distinctPrototypes', () => {
  it('joins chains, not only pairs', () => {
    const line = new Float64Array([0, 0.9, 1.8, 5, 5.5, 9]);
    expect(distinctPrototypes(line, 6, 1, 1)).toBe(3);
    expect(distinctPrototypes(line, 6, 1, 0.1)).toBe(6);
    expect(distinctPrototypes(line, 6, 1, 100)).toBe(1);
  });

  it('does not join at exactly the distance', () => {
    expect(distinctPrototypes(new Float64Array([0, 1, 2]), 3, 1, 1)).toBe(3);
    expect(distinctPrototypes(new Float64Array([0, 0, 2]), 3, 1, 1e-300)).toBe(2);
  });

  it('agrees with spreading labels', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 9 }),
        (points, d) => {
          expect(distinctPrototypes(Float64Array.from(points), points.length, 1, d)).toBe(groupsBySpreading(points, d));
        },
      ),
    );
  });

  it.each([0, -1, NaN])('refuses the distance %s', (distance) => {
    expect(codeOf(() => distinctPrototypes(new Float64Array(2), 2, 1, distance))).toBe('argument');
  });
});

describe('perplexity', () => {
  it('is K when all are used alike and 1 when one is used', () => {
    expect(perplexity(new Float64Array(8).fill(1 / 8))).toBeCloseTo(8, 12);
    expect(perplexity([0, 1, 0])).toBe(1);
    expect(entropy([0, 1, 0])).toBe(0);
    expect(perplexity([0.5, 0, 0.5, 0])).toBeCloseTo(2, 13);
  });

  it('has its closed form for two shares', () => {
    expect(entropy([0.25, 0.75])).toBeCloseTo(2 * Math.log(2) - 0.75 * Math.log(3), 14);
    expect(perplexity([0.25, 0.75])).toBeCloseTo(4 / 3 ** 0.75, 14);
  });

  it('divides by the sum', () => {
    expect(perplexity([2, 6])).toBeCloseTo(4 / 3 ** 0.75, 14);
  });

  it.each([[[]], [[0, 0]], [[-0.1, 1.1]], [[NaN, 1]], [[Infinity, 1]]])('refuses %j', (shares) => {
    expect(codeOf(() => perplexity(shares))).toBe('data');
  });
});

import { describe, expect, it } from 'vitest';
import { niceRange } from '../../src/report/nice-range.ts';
import { plotWindow } from '../../src/report/plot-window.ts';

describe('niceRange', () => {
  it.each([
    [0, 3.8, { min: 0, max: 4, interval: 1 }],
    [0, 0.02, { min: 0, max: 0.02, interval: 0.005 }],
    [40.6, 47.9, { min: 40, max: 48, interval: 2 }],
    [0, 0, { min: 0, max: 1, interval: 0.25 }],
    [0.5, 0.5, { min: 0, max: 0.6, interval: 0.2 }],
    [-3, -3, { min: -3, max: 0, interval: 1 }],
  ])('of %d to %d', (low, high, expected) => {
    const range = niceRange(low, high);
    for (const key of ['min', 'max', 'interval'] as const) expect(range[key]).toBeCloseTo(expected[key], 12);
  });
});

describe('plotWindow', () => {
  it('has the same scale on both axes', () => {
    const { x, y } = plotWindow(Float64Array.from([0, 0, 10, 1]), new Float64Array(), 300, 200);
    expect((x[1] - x[0]) / 300).toBeCloseTo((y[1] - y[0]) / 200, 12);
    expect(x[0]).toBeLessThan(0);
    expect(x[1]).toBeGreaterThan(10);
  });

  it('leaves far outliers outside, but no prototype', () => {
    const points = Float64Array.from({ length: 2000 }, (_, index) => Math.sin(index));
    points.set([1000, 1000], 0);
    const near = plotWindow(points, new Float64Array(), 300, 300);
    expect(near.x[1]).toBeLessThan(3);
    const all = plotWindow(points, Float64Array.from([1000, 1000]), 300, 300);
    expect(all.x[1]).toBeGreaterThan(1000);
  });

  it('has a size for a single point', () => {
    const { x, y } = plotWindow(Float64Array.from([5, 5]), Float64Array.from([5, 5]), 300, 300);
    expect([x, y]).toEqual([
      [4, 6],
      [4, 6],
    ]);
  });
});

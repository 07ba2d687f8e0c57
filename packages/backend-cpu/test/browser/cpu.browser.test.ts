import { describe, expect, inject, it } from 'vitest';
import { cpuBackend } from '../../src/index.ts';
import { centres, fitPlanted, shares } from './planted.ts';

/** Largest difference of two lists of numbers. */
function deviation(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((most, x, index) => Math.max(most, Math.abs(x - b[index]!)), 0);
}

it('these tests run in a page that may share memory between threads', () => {
  expect('document' in globalThis).toBe(true);
  expect(globalThis).toHaveProperty('crossOriginIsolated', true);
});

it('products run in WebAssembly with SIMD here', () => {
  expect(cpuBackend().simd).toBe(true);
});

describe.each([
  // Both engines do the same arithmetic in the same order, but their exponentials may differ in the last bit: 1e-15 of numbers
  // of order 10 in float64. In float32 the rounding mostly hides that, or else makes it a few units of 1e-6.
  ['float64', 1e-12],
  ['float32', 1e-5],
] as const)('a fit of planted clusters in %s', (dtype, tolerance) => {
  it('finds each centre, and reads out which share of each sequence lies around it', async () => {
    const { prototypes, occupancy } = await fitPlanted(dtype);
    const found = centres.map((_, k) => prototypes.slice(3 * k, 3 * k + 3));
    // The rate ends at a hundredth of its start, not at zero: Adam comes within 1e-6, and 1e-4 leaves room.
    const places = centres.map((centre) => found.findIndex((prototype) => deviation(prototype, centre) < 1e-4));
    expect([...places].sort()).toEqual([0, 1, 2, 3]);
    const expected = shares.map((row) => [0, 1, 2, 3].map((k) => row[places.indexOf(k)]!));
    expect(deviation(occupancy, expected.flat())).toBeLessThan(1e-6);
  });

  it('is the fit that Node makes', async () => {
    const here = await fitPlanted(dtype);
    const there = inject('nodeFits')[dtype];
    expect(deviation(here.prototypes, there.prototypes)).toBeLessThan(tolerance);
    expect(deviation(here.occupancy, there.occupancy)).toBeLessThan(tolerance);
    // Losses are of order 100.
    expect(deviation(here.losses, there.losses)).toBeLessThan(tolerance * 10);
    expect(here.temperature).toBeCloseTo(there.temperature, 12);
  });
});

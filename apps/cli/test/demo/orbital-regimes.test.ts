import { isDdclError } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { earthRadiusKm, orbitalPeriodMinutes, sunSynchronousInclination } from '../../src/demo/kepler.ts';
import { orbitFamilies } from '../../src/demo/orbit-families.ts';
import {
  defaultOrbitalShares,
  generateOrbitalRegimes,
  orbitalColumns,
  orbitalRegimes,
  type OrbitalCatalogue,
} from '../../src/demo/orbital-regimes.ts';

interface Row {
  readonly label: string;
  readonly family: string;
  readonly a: number;
  readonly e: number;
  readonly i: number;
  readonly perigee: number;
  readonly apogee: number;
}

function rowsOf({ rows, labels, families }: OrbitalCatalogue): Row[] {
  return labels.map((label, index) => {
    const [a, e, i, perigee, apogee] = rows.subarray(5 * index, 5 * index + 5) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { label, family: families[index] as string, a, e, i, perigee, apogee };
  });
}

const catalogue = generateOrbitalRegimes({ objects: 4000, seed: 0 });
const all = rowsOf(catalogue);

describe('generateOrbitalRegimes', () => {
  it('draws five mutually consistent features', () => {
    expect(catalogue.columns).toEqual(orbitalColumns);
    expect(catalogue.rows).toHaveLength(4000 * 5);
    for (const { a, e, perigee, apogee } of all) {
      const [nearest, farthest] = [perigee + earthRadiusKm, apogee + earthRadiusKm];
      expect(Math.abs(a - (nearest + farthest) / 2) / a).toBeLessThan(1e-9);
      expect(Math.abs(e - (farthest - nearest) / (farthest + nearest))).toBeLessThan(1e-9);
      expect(perigee).toBeLessThanOrEqual(apogee);
    }
  });

  it('keeps each class in its range', () => {
    const ranges = {
      LEO: { perigee: [300, 1500], apogee: [300, 2000], e: [0, 0.02], i: [51, 100] },
      MEO: { perigee: [18_600, 23_300], apogee: [19_100, 23_800], e: [0, 0.02], i: [53.9, 65.9] },
      GEO: { perigee: [35_600, 36_300], apogee: [35_700, 36_500], e: [0, 0.005], i: [0, 15] },
      HEO: { perigee: [200, 1600], apogee: [31_000, 40_100], e: [0.65, 0.76], i: [5, 64.5] },
    } as const;
    for (const row of all) {
      const range = ranges[row.label as keyof typeof ranges];
      for (const [feature, [low, high]] of Object.entries(range)) {
        const value = row[feature as keyof typeof range];
        expect(value, `${row.family} ${feature}`).toBeGreaterThanOrEqual(low);
        expect(value, `${row.family} ${feature}`).toBeLessThanOrEqual(high);
      }
    }
  });

  it('has the periods that define its orbits', () => {
    expect(orbitalPeriodMinutes(42164.17)).toBeCloseTo(86164.09 / 60, 2);
    for (const { family, a } of all) {
      const hours = orbitalPeriodMinutes(a) / 60;
      if (family === 'Molniya') expect(Math.abs(hours - 11.967)).toBeLessThan(0.04);
      if (family === 'GPS') expect(Math.abs(hours - 11.967)).toBeLessThan(0.03);
      if (family === 'station-kept') expect(Math.abs(hours - 23.934)).toBeLessThan(0.02);
      if (family === 'stations') expect(Math.abs(hours - 1.54)).toBeLessThan(0.04);
    }
  });

  it('follows the shares to one object', () => {
    const count = (label: string): number => all.filter((row) => row.label === label).length;
    for (const regime of orbitalRegimes) expect(count(regime)).toBe(4000 * defaultOrbitalShares[regime]);
    const real = generateOrbitalRegimes({ objects: 1001, seed: 1, shares: { LEO: 76, GEO: 24 } });
    expect(new Set(real.labels)).toEqual(new Set(['LEO', 'GEO']));
    expect(Math.abs(real.labels.filter((label) => label === 'LEO').length - 760.76)).toBeLessThan(1);
    expect(generateOrbitalRegimes({ objects: 1, seed: 1 }).labels).toEqual(['LEO']);
  });

  it('mixes the classes', () => {
    expect(new Set(catalogue.labels.slice(0, 40)).size).toBe(4);
  });

  it('is the same bytes for the same seed and others for another', () => {
    const again = generateOrbitalRegimes({ objects: 4000, seed: 0 });
    expect(again.labels).toEqual(catalogue.labels);
    expect(again.families).toEqual(catalogue.families);
    expect(Buffer.from(again.rows.buffer).equals(Buffer.from(catalogue.rows.buffer))).toBe(true);
    expect(generateOrbitalRegimes({ objects: 4000, seed: 1 }).rows).not.toEqual(catalogue.rows);
  });

  it.each([
    { objects: 0, seed: 0 },
    { objects: 1.5, seed: 0 },
    { objects: 10, seed: -1 },
    { objects: 10, seed: 0, shares: {} },
    { objects: 10, seed: 0, shares: { LEO: -1, GEO: 2 } },
    { objects: 10, seed: 0, shares: { LEO: NaN } },
  ])('refuses %j', (options) => {
    let thrown: unknown;
    try {
      generateOrbitalRegimes(options);
    } catch (error) {
      thrown = error;
    }
    expect(isDdclError(thrown, 'argument')).toBe(true);
  });
});

it('knows the sun-synchronous inclination', () => {
  for (const altitude of [300, 567, 900, 1500]) {
    const a = earthRadiusKm + altitude;
    const exact = (Math.acos(-((a / 12352) ** 3.5)) * 180) / Math.PI;
    expect(Math.abs(sunSynchronousInclination(a) - exact)).toBeLessThan(1e-6);
  }
});

it('has family shares that add up to 1 in each class', () => {
  for (const regime of orbitalRegimes) {
    const sum = orbitFamilies
      .filter((family) => family.regime === regime)
      .reduce((all, family) => all + family.share, 0);
    expect(sum).toBeCloseTo(1, 12);
  }
});

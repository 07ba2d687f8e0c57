import { createRandom } from '@ddcl/core';
import { usageError } from '../output/usage-error.ts';
import { apportion } from '../report/apportion.ts';
import { orbitFamilies, type OrbitalRegime, type OrbitFamily } from './orbit-families.ts';

export type { OrbitalRegime } from './orbit-families.ts';

/** The five features, in the order of the columns. Altitudes are above the equatorial radius. */
export const orbitalColumns: readonly string[] = [
  'semi_major_axis_km',
  'eccentricity',
  'inclination_deg',
  'perigee_km',
  'apogee_km',
];

/** The classes, in the order in which ties between them are resolved. */
export const orbitalRegimes: readonly OrbitalRegime[] = ['LEO', 'MEO', 'GEO', 'HEO'];

/**
 * Class shares by default: LEO leads, but less than the 76 % it has in a real catalogue, so that every class is large
 * enough to be seen in a demo.
 */
export const defaultOrbitalShares: Readonly<Record<OrbitalRegime, number>> = { LEO: 0.4, MEO: 0.2, GEO: 0.2, HEO: 0.2 };

/** What {@link generateOrbitalRegimes} needs to know. */
export interface OrbitalRegimesOptions {
  /** Number of objects, >= 1. */
  readonly objects: number;
  /** Integer >= 0. */
  readonly seed: number;
  /** Relative sizes of the classes, >= 0; a class left out is not drawn. */
  readonly shares?: Readonly<Partial<Record<OrbitalRegime, number>>>;
}

/** A generated catalogue. */
export interface OrbitalCatalogue {
  readonly columns: readonly string[];
  /** Row-major, objects x 5. */
  readonly rows: Float64Array;
  /** The class of each object. */
  readonly labels: readonly OrbitalRegime[];
  /** The family within the class, such as `GPS`. */
  readonly families: readonly string[];
}

/**
 * Draws a catalogue of objects from the physics of LEO, MEO, GEO and HEO. Sizes of classes and families are exact to
 * one object; the order is random. The same options give the same bytes on every platform.
 *
 * @throws DdclError `argument` for a count, seed or share outside its range.
 */
export function generateOrbitalRegimes(options: OrbitalRegimesOptions): OrbitalCatalogue {
  const { objects, seed, shares = defaultOrbitalShares } = options;
  if (!Number.isSafeInteger(objects) || objects < 1)
    throw usageError(`objects must be an integer >= 1, but ${objects} came. Pass for example 4000.`);
  const weights = orbitalRegimes.map((regime) => shares[regime] ?? 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!weights.every((weight) => Number.isFinite(weight) && weight >= 0) || !(total > 0)) {
    throw usageError(
      `shares must be finite numbers >= 0 with a positive sum, but ${JSON.stringify(shares)} came. ` +
        `Pass for example ${JSON.stringify(defaultOrbitalShares)}.`,
    );
  }

  const random = createRandom(seed);
  const sizes = apportion(objects, weights);
  const drawn = orbitalRegimes.flatMap((regime, index) => familyOfEach(regime, sizes[index] as number));
  const order = random.fork('order').permutation(objects);
  const rows = new Float64Array(objects * orbitalColumns.length);
  const labels: OrbitalRegime[] = [];
  const families: string[] = [];
  for (let row = 0; row < objects; row += 1) {
    const family = drawn[order[row] as number] as OrbitFamily;
    const orbit = family.draw(random);
    rows.set(
      [orbit.semiMajorAxisKm, orbit.eccentricity, orbit.inclinationDeg, orbit.perigeeKm, orbit.apogeeKm],
      row * orbitalColumns.length,
    );
    labels.push(family.regime);
    families.push(family.name);
  }
  return { columns: orbitalColumns, rows, labels, families };
}

function familyOfEach(regime: OrbitalRegime, size: number): OrbitFamily[] {
  const families = orbitFamilies.filter((family) => family.regime === regime);
  const counts = apportion(
    size,
    families.map((family) => family.share),
  );
  return families.flatMap((family, index) => new Array<OrbitFamily>(counts[index] as number).fill(family));
}

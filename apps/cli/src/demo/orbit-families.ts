import type { Random } from '@ddcl/core';
import {
  geostationaryRadiusKm,
  orbitFromAltitudes,
  orbitFromElements,
  earthRadiusKm,
  sunSynchronousInclination,
  type OrbitShape,
} from './kepler.ts';

/** The four classes of the demo. */
export type OrbitalRegime = 'LEO' | 'MEO' | 'GEO' | 'HEO';

/** One object of the generated catalogue. */
export interface Orbit extends OrbitShape {
  readonly inclinationDeg: number;
}

/** Objects that share an origin, hence an orbit. */
export interface OrbitFamily {
  readonly name: string;
  readonly regime: OrbitalRegime;
  /** Share of its regime; the shares of a regime add up to 1. */
  readonly share: number;
  readonly draw: (random: Random) => Orbit;
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

/** A value in 0..high that is small more often than large, as eccentricities of near-circular orbits are. */
function mostlySmall(random: Random, high: number): number {
  const u = random.uniform();
  return high * u * u;
}

/** Near-circular low orbits: perigee in a range, apogee up to `spread` km higher. */
function low(
  name: string,
  share: number,
  perigee: readonly [number, number],
  inclination: readonly [number, number],
  spread = 150,
): OrbitFamily {
  return {
    name,
    regime: 'LEO',
    share,
    draw(random) {
      const perigeeKm = between(random, ...perigee);
      const shape = orbitFromAltitudes(perigeeKm, perigeeKm + mostlySmall(random, spread));
      return { ...shape, inclinationDeg: between(random, ...inclination) };
    },
  };
}

/** A shell of navigation satellites around a nominal altitude and inclination. */
function navigation(name: string, share: number, altitude: number, inclination: number): OrbitFamily {
  return {
    name,
    regime: 'MEO',
    share,
    draw(random) {
      const semiMajorAxis = earthRadiusKm + altitude + between(random, -30, 30);
      const shape = orbitFromElements(semiMajorAxis, mostlySmall(random, 0.015));
      // The Moon and the Sun move the planes of these shells by a degree or so over the years.
      return { ...shape, inclinationDeg: inclination + between(random, -1, 1) };
    },
  };
}

/** Near the geostationary ring: `offset` km from its radius. */
function synchronous(
  name: string,
  share: number,
  offset: readonly [number, number],
  eccentricity: number,
  inclination: number,
): OrbitFamily {
  return {
    name,
    regime: 'GEO',
    share,
    draw(random) {
      const shape = orbitFromElements(
        geostationaryRadiusKm + between(random, ...offset),
        mostlySmall(random, eccentricity),
      );
      return { ...shape, inclinationDeg: between(random, 0, inclination) };
    },
  };
}

/** Transfer orbits: perigee just above the atmosphere, apogee at or (after years of drag) below the geostationary ring. */
function transfer(name: string, share: number, inclination: readonly [number, number]): OrbitFamily {
  return {
    name,
    regime: 'HEO',
    share,
    draw(random) {
      const shape = orbitFromAltitudes(between(random, 200, 700), 36_000 - mostlySmall(random, 5_000));
      return { ...shape, inclinationDeg: between(random, ...inclination) };
    },
  };
}

/**
 * The families the demo draws from. Sources, in words:
 *
 * - sun-synchronous: Earth observation at 450 to 900 km; the inclination follows from the J2 term.
 * - stations: the International Space Station's orbit (51.6 degrees, 400 km) and what leaves it.
 * - polar: Soviet and Russian navigation and weather satellites from Plesetsk (82 to 83 degrees, 900 to 1,000 km).
 * - communication: Iridium's 86.4 degrees at 780 km, with debris of the collision of 2009.
 * - mid-inclination: Kosmos constellations at 74 degrees and 700 to 1,500 km.
 * - GPS, GLONASS, Galileo, BeiDou: the published nominal altitudes and inclinations of the constellations.
 * - station-kept, drifting: the geostationary ring; without control the inclination swings between 0 and 15 degrees
 *   within 53 years. Graveyard: at least 235 km higher, by the IADC guideline.
 * - Molniya: half a sidereal day (a = 26,554 km) at the critical inclination of 63.4 degrees, perigee 400 to 1,600 km.
 * - transfer: spent stages on the way to the geostationary ring; 5 to 8 degrees from Kourou, 18 to 28.5 from Florida.
 */
export const orbitFamilies: readonly OrbitFamily[] = [
  {
    name: 'sun-synchronous',
    regime: 'LEO',
    share: 0.4,
    draw(random) {
      const perigeeKm = between(random, 450, 900);
      const shape = orbitFromAltitudes(perigeeKm, perigeeKm + mostlySmall(random, 60));
      return {
        ...shape,
        inclinationDeg: sunSynchronousInclination(shape.semiMajorAxisKm) + between(random, -0.3, 0.3),
      };
    },
  },
  low('stations', 0.1, [300, 430], [51.5, 51.7], 40),
  low('polar', 0.2, [880, 1_000], [82, 83]),
  low('communication', 0.15, [700, 800], [86, 86.7]),
  low('mid-inclination', 0.15, [700, 1_500], [73.5, 74.5]),
  navigation('GPS', 0.4, 20_180, 55),
  navigation('GLONASS', 0.3, 19_130, 64.8),
  navigation('Galileo', 0.15, 23_222, 56),
  navigation('BeiDou', 0.15, 21_528, 55),
  synchronous('station-kept', 0.45, [-15, 15], 0.0005, 0.1),
  synchronous('drifting', 0.25, [-40, 40], 0.002, 15),
  synchronous('graveyard', 0.3, [235, 500], 0.004, 15),
  {
    name: 'Molniya',
    regime: 'HEO',
    share: 0.4,
    draw(random) {
      const semiMajorAxis = 26_554 + between(random, -40, 40);
      const perigeeKm = between(random, 400, 1_600);
      const shape = orbitFromAltitudes(perigeeKm, 2 * (semiMajorAxis - earthRadiusKm) - perigeeKm);
      return { ...shape, inclinationDeg: between(random, 62.4, 64.4) };
    },
  },
  transfer('transfer from Kourou', 0.35, [5, 8]),
  transfer('transfer from Florida', 0.25, [18, 28.5]),
];

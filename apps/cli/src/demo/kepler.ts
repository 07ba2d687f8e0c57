/** Equatorial radius of the Earth in km (WGS 84). Catalogues give altitudes above it. */
export const earthRadiusKm = 6378.137;

/** Gravitational parameter of the Earth in km^3/s^2 (WGS 84). */
export const earthGravity = 398600.4418;

/** Radius in km of the circular orbit that takes one sidereal day (86,164.0905 s): geostationary. */
export const geostationaryRadiusKm = 42164.17;

/** The size and shape of an orbit, as a catalogue lists them. */
export interface OrbitShape {
  readonly semiMajorAxisKm: number;
  readonly eccentricity: number;
  /** Lowest altitude above the equatorial radius. */
  readonly perigeeKm: number;
  /** Highest altitude above the equatorial radius. */
  readonly apogeeKm: number;
}

/** The orbit between two altitudes: a = (r_p + r_a) / 2, e = (r_a - r_p) / (r_a + r_p). */
export function orbitFromAltitudes(perigeeKm: number, apogeeKm: number): OrbitShape {
  const nearest = perigeeKm + earthRadiusKm;
  const farthest = apogeeKm + earthRadiusKm;
  return {
    semiMajorAxisKm: (nearest + farthest) / 2,
    eccentricity: (farthest - nearest) / (farthest + nearest),
    perigeeKm,
    apogeeKm,
  };
}

/** The orbit of given size and shape: r_p = a (1 - e), r_a = a (1 + e). */
export function orbitFromElements(semiMajorAxisKm: number, eccentricity: number): OrbitShape {
  return {
    semiMajorAxisKm,
    eccentricity,
    perigeeKm: semiMajorAxisKm * (1 - eccentricity) - earthRadiusKm,
    apogeeKm: semiMajorAxisKm * (1 + eccentricity) - earthRadiusKm,
  };
}

/** Kepler's third law: minutes for one revolution. */
export function orbitalPeriodMinutes(semiMajorAxisKm: number): number {
  return (2 * Math.PI * Math.sqrt((semiMajorAxisKm * semiMajorAxisKm * semiMajorAxisKm) / earthGravity)) / 60;
}

/**
 * Inclination in degrees at which the Earth's oblateness turns a near-circular orbit once a year, so that it keeps
 * its angle to the Sun: cos i = -(a / 12352 km)^(7/2).
 *
 * Only operations that IEEE 754 rounds exactly are used (acos and pow are not), so the demo's data is the same on
 * every engine. The series of asin has an error under 1e-6 degrees below 1,500 km.
 */
export function sunSynchronousInclination(semiMajorAxisKm: number): number {
  const ratio = semiMajorAxisKm / 12352;
  const x = ratio * ratio * ratio * Math.sqrt(ratio);
  const square = x * x;
  const asin = x * (1 + square * (1 / 6 + square * (3 / 40 + square * (15 / 336 + square * (105 / 3456)))));
  return 90 + (asin * 180) / Math.PI;
}

import type { Catalogue } from './catalogue.ts';

/** Five numbers per object, chosen and scaled without looking at the classes. */
export interface FeatureSet {
  readonly name: string;
  readonly columns: readonly string[];
  readonly reasoning: string;
  /** Row-major, objects x 5; standardized afterwards. */
  compute(catalogue: Catalogue): Float64Array;
}

/** km. */
const earthRadius = 6378.137;

function interleave(columns: readonly Float64Array[]): Float64Array {
  const rows = columns[0]!.length;
  return Float64Array.from(
    { length: rows * columns.length },
    (_, index) => columns[index % columns.length]![Math.floor(index / columns.length)]!,
  );
}

const log = (values: Float64Array, shift = 0): Float64Array => values.map((value) => Math.log(value + shift));
const cosine = (degrees: Float64Array): Float64Array => degrees.map((value) => Math.cos((value * Math.PI) / 180));

/** The set that is recommended before any result is seen. */
export const recommendedSet = 'logarithmic sizes';

export const featureSets: readonly FeatureSet[] = [
  {
    name: 'catalogue columns',
    columns: ['semi-major axis', 'eccentricity', 'inclination', 'perigee', 'apogee'],
    reasoning:
      'The five numbers of a catalogue as they stand. Sizes in km: a few very high apogees stretch the axes, and all low orbits lie close together.',
    compute: (c) =>
      interleave(
        ['semi_major_axis_km', 'eccentricity', 'inclination_deg', 'perigee_km', 'apogee_km'].map((name) =>
          c.column(name),
        ),
      ),
  },
  {
    name: 'logarithmic sizes',
    columns: ['log semi-major axis', 'eccentricity', 'inclination', 'log perigee radius', 'log apogee radius'],
    reasoning:
      'Orbits span orders of magnitude in size, and what differs physically (period, energy, what an orbit is used for) goes with the ratio of sizes. Radii are counted from the centre of the Earth, where the law of gravity counts them. Eccentricity and inclination have natural scales and stay.',
    compute: (c) =>
      interleave([
        log(c.column('semi_major_axis_km')),
        c.column('eccentricity'),
        c.column('inclination_deg'),
        log(c.column('perigee_km'), earthRadius),
        log(c.column('apogee_km'), earthRadius),
      ]),
  },
  {
    name: 'motion and plane',
    columns: ['log mean motion', 'eccentricity', 'cosine of inclination', 'log perigee radius', 'log apogee radius'],
    reasoning:
      'As above, with what is observed instead of what is derived: mean motion for size, and the cosine of the inclination, the share of the angular momentum about the axis of the Earth, which treats polar orbits on both sides of 90 degrees alike.',
    compute: (c) =>
      interleave([
        log(c.column('mean_motion_rev_day')),
        c.column('eccentricity'),
        cosine(c.column('inclination_deg')),
        log(c.column('perigee_km'), earthRadius),
        log(c.column('apogee_km'), earthRadius),
      ]),
  },
];

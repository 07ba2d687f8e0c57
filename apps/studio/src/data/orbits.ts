import { generateOrbitalRegimes } from '../../../cli/src/demo/orbital-regimes.ts';
import { fingerprintOf, type Vectors } from './vectors.ts';

/** The catalogue of `ddcl demo`. */
export async function orbits(seed: number): Promise<Vectors> {
  const { rows, columns } = generateOrbitalRegimes({ objects: 4000, seed });
  return {
    name: `${(rows.length / columns.length).toLocaleString('en')} generated orbits: LEO, MEO, GEO and HEO, five features`,
    data: rows,
    dimension: columns.length,
    columns,
    fingerprint: await fingerprintOf(rows),
  };
}

import type { DdclModel } from '@ddcl/core/fit';

/** A model of given prototypes, as a fit would have made it on tokens with this offset and scale. */
export function modelOf(rows: readonly (readonly number[])[], fields: Partial<DdclModel> = {}): DdclModel {
  const dimension = rows[0]!.length;
  return {
    count: rows.length,
    dimension,
    dtype: 'float64',
    prototypes: Float64Array.from(rows.flat()),
    temperature: 0.1,
    criticalTemperature: 10,
    offset: new Float64Array(dimension).fill(0.5),
    scale: 2,
    totalVariance: 100,
    ...fields,
  };
}

export function rowsOf({ prototypes, dimension, count }: DdclModel): number[][] {
  return Array.from({ length: count }, (_, k) => [...prototypes.subarray(k * dimension, (k + 1) * dimension)]);
}

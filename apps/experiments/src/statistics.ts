import { adjustedRandIndex } from '@ddcl/core/metrics';

/** Mean, standard deviation (population) and range of some numbers. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length;
  const min = values.reduce((least, value) => Math.min(least, value), Infinity);
  const max = values.reduce((most, value) => Math.max(most, value), -Infinity);
  return { mean, deviation: Math.sqrt(variance), min, max };
}

/** Mean adjusted Rand index over all pairs of labellings: 1 if all agree. */
export function agreement(labellings: readonly Int32Array[]): number {
  let total = 0;
  let pairs = 0;
  labellings.forEach((first, index) => {
    for (const second of labellings.slice(index + 1)) {
      total += adjustedRandIndex(first, second);
      pairs++;
    }
  });
  return pairs === 0 ? 1 : total / pairs;
}

/** Columns of a row-major table moved to mean 0 and scaled to deviation 1. */
export function standardize(data: Float64Array, dimension: number): Float64Array {
  const rows = data.length / dimension;
  const result = new Float64Array(data.length);
  for (let axis = 0; axis < dimension; axis++) {
    const { mean, deviation } = spreadOf(Array.from({ length: rows }, (_, row) => data[row * dimension + axis]!));
    for (let row = 0; row < rows; row++)
      result[row * dimension + axis] = (data[row * dimension + axis]! - mean) / deviation;
  }
  return result;
}

import { createRandom } from '@ddcl/core';
import { fit } from '@ddcl/core/fit';
import { expect } from 'vitest';
import { rowsOf } from '../../../core/test/support/oracle.ts';
import { cpuBackend } from '../../src/index.ts';
import { kMeans } from './k-means.ts';
import { sourceOf } from './support.ts';

const dimension = 16;

/** Acceptance 5 of the foundation, small: 8 centres from N(0, 9 I), unit Gaussians, 1 % of the tokens with 2.5 standard deviations of noise. */
function planted(tokens: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const centres = Array.from({ length: 8 * dimension }, () => 3 * random.normal());
  const data = Float64Array.from(
    { length: tokens * dimension },
    (_, index) => centres[(Math.floor(index / dimension) % 8) * dimension + (index % dimension)]! + random.normal(),
  );
  const mean = data.reduce((a, b) => a + b) / data.length;
  const deviation = Math.sqrt(data.reduce((total, x) => total + (x - mean) ** 2, 0) / data.length);
  for (let outlier = 0; outlier < tokens / 100; outlier++) {
    const token = random.integer(tokens);
    for (let axis = 0; axis < dimension; axis++) data[token * dimension + axis]! += 2.5 * deviation * random.normal();
  }
  return data;
}

export interface OutlierFit {
  readonly tokens: number;
  readonly seed: number;
  readonly prototypes: number;
  readonly restarts?: number;
  readonly steps?: number;
  /** More of the variance than k-means may leave: two of eight clusters explain little of it, eight nearly all. */
  readonly share: number;
}

/** No prototype is lost, and the hard error is that of k-means, best of 10. */
export async function checkOutlierFit({ tokens, seed, share, ...options }: OutlierFit): Promise<void> {
  const data = planted(tokens, seed);
  const { prototypes } = options;
  const { quantities, statistics } = await fit(cpuBackend(), sourceOf(data, dimension), options);
  const baseline = kMeans(rowsOf(data, dimension), prototypes, 10);
  expect(baseline).toBeLessThan(share * statistics.totalVariance);
  expect(quantities.used).toBe(1);
  expect(quantities.distinct).toBe(prototypes);
  // The acceptance's 1 %.
  expect(quantities.loss.hard).toBeLessThan(1.01 * baseline);
}

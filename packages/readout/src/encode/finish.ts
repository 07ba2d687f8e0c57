import type { DdclModel } from '@ddcl/core/fit';
import { normaliseVectors } from '../numbers/normalise-vectors.ts';
import type { SequenceSums } from './sequence-sums.ts';

type Numbers = Float32Array | Float64Array;

/**
 * Residuals shorter than this share of (a sequence's weight * root of the tokens' total variance) are divided by it and not by their own
 * length when they are normalised: a prototype that nearly no token is assigned to would otherwise weigh as
 * much as any other, with a direction made of rounding errors.
 */
export const residualFloor = 1e-6;

/** `s_k`, [S, K, m], from sums and occupancy; zeros where a prototype has no mass. Written over the sums. */
export function finishSummaries(
  { sums, occupancy, weights }: SequenceSums,
  model: DdclModel,
  framed: boolean,
): Numbers {
  const { count, dimension, offset } = model;
  weights.forEach((weight, sequence) => {
    for (let k = 0; k < count; k++) {
      const mass = occupancy[sequence * count + k]! * weight;
      const start = (sequence * count + k) * dimension;
      // Below this float32 has no digits left; the mean of next to nothing says nothing.
      if (!(mass > 1e-30)) sums.fill(0, start, start + dimension);
      else
        for (let axis = 0; axis < dimension; axis++)
          sums[start + axis] = sums[start + axis]! / mass + (framed ? offset[axis]! : 0);
    }
  });
  return sums;
}

/** `r_k`, [S, K, m], from sums and occupancy; with `normalise` each of length 1 (see {@link residualFloor}), then each sequence's. Written over `into`. */
export function finishResiduals(
  { sums, occupancy, weights }: SequenceSums,
  model: DdclModel,
  framed: boolean,
  normalise: boolean,
  into: Numbers,
): Numbers {
  const { count, dimension, prototypes, offset, totalVariance } = model;
  weights.forEach((weight, sequence) => {
    const from = sequence * count * dimension;
    for (let k = 0; k < count; k++) {
      const mass = occupancy[sequence * count + k]! * weight;
      for (let axis = 0; axis < dimension; axis++) {
        const place = k * dimension + axis;
        into[from + place] = sums[from + place]! - mass * (prototypes[place]! - (framed ? offset[axis]! : 0));
      }
    }
    if (!normalise) return;
    const own = into.subarray(from, from + count * dimension);
    normaliseVectors(own, dimension, residualFloor * weight * Math.sqrt(totalVariance));
    normaliseVectors(own, count * dimension);
  });
  return into;
}

import { DdclError } from '@ddcl/core';
import { createMomentAccumulator } from '@ddcl/core/fit';
import type { Sample } from './sample.ts';

/** By how much of its size float32 rounds a number, at most. */
const rounding = 2 ** -24;
/** Of the vectors' deviation, as core's `fit` has it. */
const mostRounding = 1e-3;

/** @throws DdclError `data` for vectors that lie so far from 0 that float32 rounds off what they differ by: more than a thousandth of their deviation */
export function requireResolution({ rows, weights, count }: Sample): void {
  const moments = createMomentAccumulator(rows.length / count, { maxCovarianceDimension: 0 });
  moments.addRows(rows, weights);
  const { mean, trace } = moments.result();
  const [distance, deviation] = [Math.sqrt(mean.reduce((sum, value) => sum + value * value, 0)), Math.sqrt(trace)];
  // Vectors that are all alike are refused for that, where that is wrong.
  if (deviation === 0 || distance * rounding <= mostRounding * deviation) return;
  const [far, near, lost] = [distance, deviation, distance * rounding].map((value) => value.toPrecision(3));
  throw new DdclError(
    'data',
    `The vectors lie ${far} from 0 but only ${near} from their mean, and float32 rounds numbers of that size by up to ${lost}: what sets them apart would be lost. Take their mean off.`,
  );
}

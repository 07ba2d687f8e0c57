import { DdclError } from '../errors/ddcl-error.ts';
import type { FloatDType } from '../program/dtype.ts';

/** By how much of its size a number is rounded, at most. */
const rounding: Readonly<Record<FloatDType, number>> = { float32: 2 ** -24, float64: 2 ** -53 };

/** Of the tokens' deviation: cells of 64 prototypes in one column are a hundredth wide, and their hard error grows by 0.1 %. */
const mostRounding = 1e-3;

/** Squares of distances to far tokens are this much larger than the variance at most, before they are infinite. */
const reserve = 2 ** 20;
const largestSquare: Readonly<Record<FloatDType, number>> = {
  float32: 2 ** 128 / reserve,
  float64: 2 ** 1023 / reserve,
};

/** Where tokens come in it. */
const remedies: Readonly<Record<FloatDType, string>> = {
  float32: 'Take dtype float64 (--dtype float64), or give tokens less their mean (--standardize takes it off).',
  float64: 'Give tokens less their mean (--standardize takes it off).',
};

/**
 * Refuses numbers in the tokens' own units where they lie so far from 0 that rounding to the dtype takes what they differ by. Programs see
 * tokens less their offset; what is written in the tokens' units does not.
 *
 * @param offset a vector near the tokens' mean, [m]
 * @param totalVariance trace of their covariance
 * @param remedy what else to do than the usual
 * @throws DdclError `data` where numbers of that size are rounded by more than a thousandth of the root of that, or their squares leave the dtype
 */
export function requireResolution(
  offset: Float64Array,
  totalVariance: number,
  dtype: FloatDType,
  remedy: string = remedies[dtype],
): void {
  const distance = Math.sqrt(offset.reduce((sum, value) => sum + value * value, 0));
  const deviation = Math.sqrt(totalVariance);
  if (!(totalVariance < largestSquare[dtype])) {
    const other = dtype === 'float32' ? ', or take dtype float64 (--dtype float64)' : '';
    throw new DdclError(
      'data',
      `The tokens lie ${deviation.toPrecision(3)} from their mean, and squares of such distances leave the range of ${dtype}. Scale them (--standardize does)${other}.`,
    );
  }
  if (distance * rounding[dtype] <= mostRounding * deviation) return;
  const [far, near] = [distance, deviation].map((value) => value.toPrecision(3));
  throw new DdclError(
    'data',
    `The tokens lie ${far} from 0 but only ${near} from their mean, and ${dtype} rounds numbers of that size by up to ${(distance * rounding[dtype]).toPrecision(2)}: what sets them apart would be lost. ${remedy}`,
  );
}

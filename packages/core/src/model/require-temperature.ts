import { DdclError } from '../errors/ddcl-error.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { DdclModel } from './model.ts';

/** The largest number of each dtype. */
const largest: Readonly<Record<FloatDType, number>> = { float32: (2 - 2 ** -23) * 2 ** 127, float64: Number.MAX_VALUE };

/** Tokens may be 1000 times farther away than the model's own and still have logits in the range. */
const squaredReach = 1e6;

/**
 * The lowest temperature at which the logits `-|z - p_k|^2 / T` stay within the dtype's range; beyond it assignments are NaN.
 *
 * @param squared the squared distance from the offset at which tokens and prototypes lie, at most
 */
export const lowestTemperature = (squared: number, dtype: FloatDType): number =>
  // Divided first: the product of the reach and a large distance may leave the range where the quotient does not.
  squared * (squaredReach / largest[dtype]);

/**
 * @throws DdclError `temperature` unless it is a finite number > 0 at which the logits `-|z - p_k|^2 / T` stay within the dtype's range;
 *   beyond that assignments are NaN
 */
export function requireTemperature(
  { prototypes, dimension, offset, scale, totalVariance }: DdclModel,
  temperature: number,
  dtype: FloatDType,
): void {
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new DdclError(
      'temperature',
      `A temperature must be a finite number > 0, but is ${temperature}. Leave it out for the model's own.`,
    );
  }
  let farthest = 0;
  for (let start = 0; start < prototypes.length; start += dimension) {
    let squared = 0;
    for (let axis = 0; axis < dimension; axis++) squared += (prototypes[start + axis]! - offset[axis]!) ** 2;
    farthest = Math.max(farthest, squared);
  }
  const least = lowestTemperature(Math.max(farthest + totalVariance, scale ** 2), dtype);
  if (temperature >= least) return;
  throw new DdclError(
    'temperature',
    `At the temperature ${temperature} the logits leave the range of ${dtype}: it must be at least ${least.toPrecision(3)} here. Raise it; for nearest prototypes leave it out and ask for 'codes'.`,
  );
}

import { DdclError } from '@ddcl/core';

/** Numbers are summed as whole multiples of the unit below this size. */
const largest = 2 ** 50;
/** Multiples are kept in two parts, of which the lower has so many bits. */
const lowerBits = 26;
const [up, down] = [2 ** lowerBits, 2 ** -lowerBits];
/** Added and taken off, it rounds a number below 2^51 to a whole one. */
const rounding = 1.5 * 2 ** 52;

/** Sums that are exact once their terms are rounded to multiples of a unit: equal whatever the order, and however they are divided among processes. */
export interface ExactSums {
  /** Adds a number to one of the sums. @throws DdclError `data` for one of 2^50 units or more */
  add(index: number, value: number): void;
  /** The whole multiples, `high 2^26 + low`; equal sums have equal parts. */
  parts(): SumParts;
}

export interface SumParts {
  readonly high: Float64Array;
  readonly low: Float64Array;
}

/** @param unit a power of two */
export function createExactSums(length: number, unit: number): ExactSums {
  const [high, low] = [new Float64Array(length), new Float64Array(length)];
  const perUnit = 1 / unit;
  let [added, most] = [0, 2 ** 26];
  return {
    add(index, value) {
      const whole = value * perUnit;
      if (!(whole < largest && whole > -largest)) {
        throw new DdclError(
          'data',
          `A sum takes numbers below ${largest * unit}, but ${value} came: a document lies too far from those that the model was fitted on.`,
        );
      }
      const rounded = whole + rounding - rounding;
      const upper = rounded * down + rounding - rounding;
      high[index]! += upper;
      low[index]! += rounded - upper * up;
      // Lower parts are below 2^25, so that 2^27 of them stay exact.
      if (++added < most) return;
      normalizeParts({ high, low });
      added = 0;
      most = 2 ** 26;
    },
    parts() {
      normalizeParts({ high, low });
      return { high: high.slice(), low: low.slice() };
    },
  };
}

/** Carries, after which equal sums have equal parts. */
function normalizeParts({ high, low }: SumParts): void {
  for (let index = 0; index < low.length; index++) {
    const carry = Math.floor(low[index]! * down);
    high[index]! += carry;
    low[index]! -= carry * up;
  }
}

/** The sum of sums. */
export function addParts(all: readonly SumParts[]): SumParts {
  const high = new Float64Array(all[0]!.high.length);
  const low = new Float64Array(high.length);
  for (const part of all) {
    part.high.forEach((value, index) => (high[index]! += value));
    part.low.forEach((value, index) => (low[index]! += value));
  }
  normalizeParts({ high, low });
  return { high, low };
}

/** The sums as numbers. */
export function valuesOf({ high, low }: SumParts, unit: number): Float64Array {
  return high.map((value, index) => (value * up + low[index]!) * unit);
}

import { formatType, type ConcreteType, type TypedArray } from '@ddcl/core/backend';

/** How a result compares with what was expected. */
export interface Comparison {
  /** The largest error in units of the tolerance: up to 1 passes. `Infinity` for an error where none is allowed. */
  readonly worst: number;
  /** Elements beyond their tolerance. */
  readonly wrong: number;
  /** Place of the worst element, row-major; -1 if there are no elements. */
  readonly index: number;
  /** Says where the worst element is, what was expected, what came, and how far beyond the tolerance that is. */
  readonly message: string;
}

export interface Expected {
  readonly type: ConcreteType;
  readonly data: ArrayLike<number>;
  /** Allowed error of each element; 0 for exact. */
  readonly bound: ArrayLike<number>;
}

/** Error in units of the tolerance. NaN, Infinity and -Infinity are equal only to themselves; 0 and -0 are equal. */
export function errorInTolerances(actual: number, expected: number, bound: number): number {
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return Infinity;
  const error = Math.abs(actual - expected);
  return bound > 0 ? error / bound : Infinity;
}

/** `[2, 0]`: where an element of a row-major tensor is. */
export function coordinatesOf(index: number, shape: readonly number[]): string {
  const coordinates: number[] = [];
  let left = index;
  for (const size of [...shape].reverse()) {
    coordinates.unshift(left % size);
    left = Math.floor(left / size);
  }
  return `[${coordinates.join(', ')}]`;
}

/** Compares element by element and finds the worst. A different number of elements is infinitely wrong. */
export function compare(actual: TypedArray | readonly number[], expected: Expected): Comparison {
  const { type, data, bound } = expected;
  if (actual.length !== data.length) {
    const message = `${formatType(type)}: ${data.length} elements expected, ${actual.length} came`;
    return { worst: Infinity, wrong: Math.max(actual.length, data.length), index: -1, message };
  }
  let [worst, index, wrong] = [-1, -1, 0];
  for (let at = 0; at < data.length; at++) {
    const error = errorInTolerances(actual[at]!, data[at]!, bound[at]!);
    if (error > 1) wrong++;
    if (error > worst) [worst, index] = [error, at];
  }
  if (index === -1) return { worst: 0, wrong: 0, index, message: `${formatType(type)}: no elements` };
  const tolerance = bound[index]!;
  const units =
    tolerance > 0
      ? `${Number(worst.toPrecision(3))} times the tolerance of ${tolerance.toExponential(1)}`
      : 'no error is allowed';
  const message = `${formatType(type)} ${coordinatesOf(index, type.shape)}: expected ${data[index]}, got ${actual[index]} (${units}); ${wrong} of ${data.length} elements wrong`;
  return { worst, wrong, index, message };
}

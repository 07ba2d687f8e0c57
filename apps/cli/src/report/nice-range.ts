/** Ends and distance of the ticks of a linear axis. */
export interface NiceRange {
  readonly min: number;
  readonly max: number;
  readonly interval: number;
}

/**
 * A range of three to six round intervals around `low`..`high`. Fixed here because the library, given ends that are not
 * multiples of its own interval, prints them as additional ticks with all their digits.
 */
export function niceRange(low: number, high: number): NiceRange {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const interval = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= span / 4) ?? 10) * power;
  // Without the tolerance rounding would add an empty interval above an end that is a multiple.
  const min = Math.floor(low / interval + 1e-9) * interval;
  const max = Math.ceil(high / interval - 1e-9) * interval;
  return { min, max: max > min ? max : min + interval, interval };
}

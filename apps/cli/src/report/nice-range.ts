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
  // A single value is shown above 0; 0 alone on 0..1.
  if (!(high > low))
    return low === 0 ? { min: 0, max: 1, interval: 0.25 } : niceRange(Math.min(0, low), Math.max(0, low));
  const least = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(least));
  const interval = ([1, 2, 2.5, 5].find((factor) => factor * power >= least) ?? 10) * power;
  // Without the tolerance rounding would add an empty interval above an end that is a multiple.
  return {
    min: Math.floor(low / interval + 1e-9) * interval,
    max: Math.ceil(high / interval - 1e-9) * interval,
    interval,
  };
}

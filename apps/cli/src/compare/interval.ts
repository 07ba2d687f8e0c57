/** Ends of an interval, as shares. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Quantile of the normal distribution for 95 %. */
const z = 1.959963984540054;

/**
 * 95 % interval for a share of `total` independent trials (Wilson 1927): what another test set of this size could have given.
 *
 * @param share 0..1
 */
export function wilsonInterval(share: number, total: number): Interval {
  const spread = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  const centre = share + (z * z) / (2 * total);
  const whole = 1 + (z * z) / total;
  return { low: (centre - spread) / whole, high: (centre + spread) / whole };
}

/** Mean and sample deviation over seeds; the deviation of one is 0. */
export function meanAndSpread(values: readonly number[]): { readonly mean: number; readonly spread: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, spread: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) };
}

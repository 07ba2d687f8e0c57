import type { Pieces } from '../abort/pieces.ts';
import type { Random } from '../random/random.ts';

/** Tokens farther from the mean than this share of all are never chosen: k-means++ seeks out outliers. */
const guardQuantile = 0.99;

/** Of a row to a row of another array. */
export function squaredDistance(
  data: Float64Array,
  row: number,
  other: Float64Array,
  otherStart: number,
  dimension: number,
): number {
  let total = 0;
  for (let axis = 0; axis < dimension; axis++) {
    const difference = data[row * dimension + axis]! - other[otherStart + axis]!;
    total += difference * difference;
  }
  return total;
}

/** Tokens of a sample that are spread out. */
export interface SpreadTokens {
  /** Their row numbers. */
  readonly rows: readonly number[];
  /** Squared distance of each token of the sample to the nearest of them. */
  readonly squares: Float64Array;
}

/**
 * `count` tokens of a sample, spread out (Arthur, Vassilvitskii 2007). Tokens beyond
 * the 99th percentile of distances from the mean are left out unless too few distinct ones remain.
 *
 * @param weights of the tokens, > 0: how likely each is drawn at equal distances
 * @param quantile another percentile, as a share; 1 leaves out none
 */
export function* kMeansPlusPlus(
  sample: Float64Array,
  dimension: number,
  mean: Float64Array,
  count: number,
  random: Random,
  weights?: Float64Array,
  quantile: number = guardQuantile,
): Pieces<SpreadTokens> {
  const total = sample.length / dimension;
  const fromMean = Float64Array.from({ length: total }, (_, row) => squaredDistance(sample, row, mean, 0, dimension));
  const limit = Float64Array.from(fromMean).sort()[Math.min(total - 1, Math.floor(quantile * total))]!;
  const nearest = new Float64Array(total).fill(Infinity);
  const weight = (row: number, guarded: boolean): number =>
    guarded && fromMean[row]! > limit ? 0 : nearest[row]! * (weights?.[row] ?? 1);

  const draw = (): number => {
    for (const guarded of [true, false]) {
      let sum = 0;
      for (let row = 0; row < total; row++) sum += weight(row, guarded);
      if (!(sum > 0)) continue;
      let left = random.uniform() * sum;
      let last = 0;
      for (let row = 0; row < total; row++) {
        const own = weight(row, guarded);
        if (own === 0) continue;
        last = row;
        left -= own;
        if (left < 0) return row;
      }
      return last;
    }
    return random.integer(total);
  };

  const within = Array.from({ length: total }, (_, row) => row).filter((row) => fromMean[row]! <= limit);
  const first = (): number => {
    if (weights === undefined) return within[random.integer(within.length)]!;
    // As if all were equally far.
    nearest.fill(1);
    const drawn = draw();
    nearest.fill(Infinity);
    return drawn;
  };
  const rows: number[] = [];
  while (rows.length < count) {
    const latest = rows.length === 0 ? first() : draw();
    rows.push(latest);
    for (let row = 0; row < total; row++) {
      nearest[row] = Math.min(nearest[row]!, squaredDistance(sample, row, sample, latest * dimension, dimension));
    }
    yield;
  }
  return { rows, squares: nearest };
}

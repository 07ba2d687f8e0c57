import type { Pieces } from '../abort/pieces.ts';
import { kMeansPlusPlus, squaredDistance } from '../initialize/k-means-plus-plus.ts';
import type { Random } from '../random/random.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';

/** The share of the critical temperature that `auto` cools to, at most; docs/decisions/0020-fit-defaults.md has the measurements. */
export const autoTemperatureShare = 0.003;

/**
 * The share of the hard error of a k-means++ start that it cools to where that is less: tokens in a few columns have many cells that are
 * small against T_c, and above their own critical temperature prototypes lie together (docs/decisions/0062-auto-temperature.md).
 */
const errorShare = 0.3;

/** In float32 the difference of two squared distances is good to about this share of the variance; T below it would weigh noise. */
const leastShare = 1e-6;

/** Tokens for that start: enough that what is measured on those that it leaves is not far too little. */
const [fewestTokens, tokensPerPrototype] = [4096, 4];

/** Multiplications (tokens x K x m) of that start from which it is left out: seconds. */
const mostProducts = 2 ** 30;

/** Tokens whose nearest others are looked for first, and others at least: many columns need no start. */
const [askedTokens, otherTokens] = [32, 1024];

/** The final temperature of a fit of K prototypes that was given none, in the tokens' units squared. */
export function* autoTemperature(
  { sample, mean, criticalTemperature, totalVariance, tokens: total }: TokenStatistics,
  prototypes: number,
  random: Random,
): Pieces<number> {
  const most = autoTemperatureShare * criticalTemperature;
  const dimension = mean.length;
  const tokens = Math.min(sample.count, Math.max(fewestTokens, tokensPerPrototype * prototypes));
  // The reservoir's order is that of the stream, and any part of it in random order is a sample.
  const order = random.permutation(sample.count).subarray(0, tokens);
  const rows = new Float64Array(tokens * dimension);
  order.forEach((row, place) =>
    rows.set(sample.rows.subarray(row * dimension, (row + 1) * dimension), place * dimension),
  );
  // A token is farther from its prototype than from the nearest of more tokens than there are prototypes.
  const others = Math.max(otherTokens, 2 * prototypes);
  const isEnough = tokens >= askedTokens + 2 * prototypes;
  if (isEnough && errorShare * (yield* typicalNearest(rows, dimension, others)) >= most) return most;
  if (tokens * prototypes * dimension > mostProducts) return most;
  const weights = Float64Array.from(order, (row) => sample.weights[row]!);
  const chosen = yield* kMeansPlusPlus(rows, dimension, mean, prototypes, random, weights, 1);
  // Of a sample those that are chosen say nothing about the others; of all tokens they are a part.
  const isLeftOut = new Set(tokens < total ? chosen.rows : []);
  let [error, weight] = [0, 0];
  chosen.squares.forEach((squared, row) => {
    if (isLeftOut.has(row)) return;
    error += weights[row]! * squared;
    weight += weights[row]!;
  });
  return weight === 0 ? most : Math.min(most, Math.max(leastShare * totalVariance, (errorShare * error) / weight));
}

/** The median squared distance of the first few of some tokens to the nearest of `others` that follow. */
function* typicalNearest(rows: Float64Array, dimension: number, others: number): Pieces<number> {
  const tokens = rows.length / dimension;
  const asked = Math.min(askedTokens, Math.ceil(tokens / 2));
  const end = Math.min(tokens, asked + others);
  const nearest: number[] = [];
  for (let row = 0; row < asked; row++) {
    let least = Infinity;
    for (let other = asked; other < end; other++)
      least = Math.min(least, squaredDistance(rows, row, rows, other * dimension, dimension));
    nearest.push(least);
    yield;
  }
  return nearest.sort((a, b) => a - b)[Math.floor(asked / 2)]!;
}

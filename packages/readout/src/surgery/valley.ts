import { squaredDistance, type CellGroup, type CellSample } from './cell-groups.ts';

/** Bins per unit of position; the centroids lie at -1 and 1, so 40 bins between them. */
const binsPerUnit = 20;
/** Positions beyond are counted in no bin. */
const reach = 2;
/** Bins of the window that densities are averaged over: a quarter of the way between the centroids. */
const windowBins = binsPerUnit / 2;

/** A valley is where the density is below this share of the lower of its two sides. */
export const valleyDepth = 0.5;

/**
 * Numbers of tokens along the axis through the centroids of two groups, in bins of 1/20 from -2 to 2; -1 is the first
 * centroid, 1 the second.
 *
 * Every token is placed as if it had not been there: its own share is taken out of its centroid first. Otherwise a
 * token pulls its centroid towards itself, by |z|^2 / n, and in many dimensions with few tokens any two random halves
 * of one cluster look well apart.
 */
export function axisHistogram({ weights }: CellSample, a: CellGroup, b: CellGroup, unit: number): Float64Array {
  const bins = new Float64Array(2 * reach * binsPerUnit);
  const between = squaredDistance(a.centroid, b.centroid);
  const place = (own: CellGroup, other: CellGroup, sign: number): void => {
    for (const token of own.members) {
      const rest = own.weight - weights[token]!;
      if (!(rest > 0)) continue;
      // Without the token its centroid is c + s (c - z).
      const s = weights[token]! / rest;
      const near = own.distances[token]!;
      const far = other.distances[token]!;
      const span = between + s * (near + between - far) + s * s * near;
      if (!(span > 0)) continue;
      const position = sign * (((1 + s) ** 2 * near - far) / span);
      const bin = Math.floor((position + reach) * binsPerUnit);
      if (bin >= 0 && bin < bins.length) bins[bin]! += weights[token]! / unit;
    }
  };
  place(a, b, 1);
  place(b, a, -1);
  return bins;
}

/**
 * Evidence that a density has two modes with a valley between them, in nats: how much better two free numbers explain
 * the tokens of the lower side and of the valley than a valley that is {@link valleyDepth} as dense as that side. Negative
 * for a shallower valley or none: then it is how much worse.
 */
export function valleyEvidence(bins: Float64Array): number {
  const window = (centre: number): number => {
    const start = Math.round((centre + reach) * binsPerUnit) - windowBins / 2;
    let total = 0;
    for (let bin = start; bin < start + windowBins; bin++) total += bins[bin]!;
    return total;
  };
  const scan = (from: number, to: number, choose: (a: number, b: number) => number): number => {
    let found = window(from);
    for (let step = 1; step <= Math.round((to - from) * binsPerUnit); step++)
      found = choose(found, window(from + step / binsPerUnit));
    return found;
  };
  const side = Math.min(scan(-1.25, -0.75, Math.max), scan(0.75, 1.25, Math.max));
  const valley = scan(-0.5, 0.5, Math.min);
  if (side + valley === 0) return 0;
  const part = (count: number, share: number): number =>
    count === 0 ? 0 : count * Math.log(count / ((side + valley) * share));
  const gain = part(side, 1 / (1 + valleyDepth)) + part(valley, valleyDepth / (1 + valleyDepth));
  return valley < valleyDepth * side ? gain : -gain;
}

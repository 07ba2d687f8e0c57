import { assignToken, type Pairs } from './pairs.ts';
import type { NearTokens } from './near-tokens.ts';
import { subtractScaled } from './part-vectors.ts';
import type { Slope } from './slope.ts';

/** A token whose nearest prototype is this many T nearer than the next one gives the others less than 1e-4 of its weight. */
const hotMargin = 10;
/** Share of its bound by which the distance of a token to a moving prototype changes: vectors are seldom parallel. A round's beginning looks at all. */
const seenShare = 0.5;

/**
 * What prototypes rest on, summed over all tokens in float64: `sum a q` [K], `sum a w` [K] and minus `sum a w z` [K, m] (docs/math.md
 * section 3). Tokens that are not listed belong to their nearest prototype alone; those listed are followed as prototypes move.
 */
export interface PrototypeSums {
  readonly mass: Float64Array;
  readonly pull: Float64Array;
  readonly moved: Float64Array;
  /** Takes another list, and looks at all tokens of it. */
  list(next: NearTokens, places: Float64Array): void;
  /** Looks at tokens again that may have changed since they were. @param paths how far each prototype has gone since the list was taken, [K] */
  follow(places: Float64Array, paths: Float64Array): void;
}

/**
 * @param first list, at `places`
 * @param slope of all tokens there, whose gradient gives `sum a w z`
 * @param temperature in the frame, as all else
 */
export function prototypeSums(
  first: NearTokens,
  places: Float64Array,
  slope: Slope,
  temperature: number,
): PrototypeSums {
  const count = slope.mass.length;
  const dimension = places.length / count;
  // A prototype without tokens has neither mass nor gradient.
  const mass = new Float64Array(count).fill(1e-12 * slope.weight);
  const [pull, moved] = [new Float64Array(count), new Float64Array(places.length)];
  /** A distance changes by at most `2 |z - p|` times the way that the prototype goes. */
  const reach = 2 * Math.sqrt(slope.loss / slope.weight) * seenShare;

  const add = (list: NearTokens, index: number, k: number, q: number, w: number): void => {
    const own = list.weights[list.tokens[index]!]!;
    mass[k]! += own * q;
    pull[k]! += own * w;
    if (w !== 0) subtractScaled(moved, k * dimension, own * w, list.vectors, index * dimension, dimension);
  };
  const pairsFor = ({ starts, prototypes }: NearTokens): Pairs => ({
    starts,
    prototypes,
    q: new Float64Array(prototypes.length),
    w: new Float64Array(prototypes.length),
  });

  let list = first;
  /** What is summed now, and what a look at the tokens gives. */
  let [summed, seen] = [pairsFor(first), pairsFor(first)];
  let gaps = new Float64Array(first.tokens.length);
  /** The way that the two farthest movers of each token had gone when it was looked at. */
  let looked = new Float64Array(first.tokens.length);

  const look = (token: number, places: Float64Array): void => {
    gaps[token] = assignToken(seen, token, list.vectors, places, temperature, dimension);
    for (let pair = seen.starts[token]!; pair < seen.starts[token + 1]!; pair++) {
      const dw = seen.w[pair]! - summed.w[pair]!;
      // What is below float64 of a token's weight stays for later.
      const isSame = Math.abs(dw) < 1e-13;
      add(list, token, seen.prototypes[pair]!, seen.q[pair]! - summed.q[pair]!, isSame ? 0 : dw);
      summed.q[pair] = seen.q[pair]!;
      if (!isSame) summed.w[pair] = seen.w[pair]!;
    }
  };
  const wayOf = (token: number, paths: Float64Array): number => {
    let [most, second] = [0, 0];
    for (let pair = list.starts[token]!; pair < list.starts[token + 1]!; pair++) {
      const own = paths[list.prototypes[pair]!]!;
      if (own > most) [most, second] = [own, most];
      else if (own > second) second = own;
    }
    return most + second;
  };

  // Sole tokens first, then those listed; what they all add to `moved` the gradient tells: gradient / 2 = (sum a w) p - sum a w z.
  const isListed = new Uint8Array(first.weights.length);
  for (const token of first.tokens) isListed[token] = 1;
  first.weights.forEach((own, token) => {
    if (isListed[token] === 1 || own === 0) return;
    mass[first.nearest[token]!]! += own;
    pull[first.nearest[token]!]! += own;
  });
  for (let token = 0; token < gaps.length; token++) look(token, places);
  for (let k = 0; k < count; k++)
    for (let index = k * dimension; index < (k + 1) * dimension; index++)
      moved[index] = slope.gradient[index]! / 2 - pull[k]! * places[index]!;

  return {
    mass,
    pull,
    moved,
    list(next, at) {
      const old = new Map(list.tokens.map((token, index) => [token, index]));
      const fresh = pairsFor(next);
      next.tokens.forEach((token, index) => {
        const before = old.get(token);
        old.delete(token);
        const [start, end] = [next.starts[index]!, next.starts[index + 1]!];
        /** Hands what is summed over to the pair of the same prototype, or takes it off. */
        const carry = (k: number, q: number, w: number): void => {
          for (let pair = start; pair < end; pair++) {
            if (next.prototypes[pair] !== k) continue;
            [fresh.q[pair], fresh.w[pair]] = [q, w];
            return;
          }
          add(next, index, k, -q, -w);
        };
        if (before === undefined) carry(list.nearest[token]!, 1, 1);
        else
          for (let pair = list.starts[before]!; pair < list.starts[before + 1]!; pair++)
            carry(list.prototypes[pair]!, summed.q[pair]!, summed.w[pair]!);
      });
      // Those that are listed no longer belong to their nearest prototype alone.
      for (const [token, before] of old) {
        for (let pair = list.starts[before]!; pair < list.starts[before + 1]!; pair++)
          add(list, before, list.prototypes[pair]!, -summed.q[pair]!, -summed.w[pair]!);
        add(list, before, next.nearest[token]!, 1, 1);
      }
      [list, summed, seen] = [next, fresh, pairsFor(next)];
      [gaps, looked] = [new Float64Array(next.tokens.length), new Float64Array(next.tokens.length)];
      for (let token = 0; token < gaps.length; token++) look(token, at);
    },
    follow(at, paths) {
      for (let token = 0; token < gaps.length; token++) {
        const way = wayOf(token, paths);
        if (gaps[token]! - reach * (way - looked[token]!) > hotMargin * temperature) continue;
        look(token, at);
        looked[token] = way;
      }
    },
  };
}

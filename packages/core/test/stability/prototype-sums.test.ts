import { expect, it } from 'vitest';
import { createRandom } from '../../src/random/random.ts';
import type { NearTokens } from '../../src/stability/near-tokens.ts';
import { prototypeSums } from '../../src/stability/prototype-sums.ts';
import { squaredDistance } from '../support/oracle.ts';

const [temperature, margin, count, dimension] = [0.05, 30 * 0.05, 4, 2];
const random = createRandom(9);
const tokens = Array.from({ length: 80 }, () => [4 * random.uniform(), 4 * random.uniform()]);
const weights = Float64Array.from(tokens, (_, n) => (n % 5) / 2);
/** Prototypes that wander far enough for tokens to change hands without being near a boundary before or after. */
const rounds = Array.from({ length: 6 }, () =>
  Array.from({ length: count }, () => [4 * random.uniform(), 4 * random.uniform()]),
);

/** Tokens near a boundary, and those that went over one at once. */
function listAt(places: readonly number[][], before?: NearTokens): NearTokens {
  const listed: number[] = [];
  const [starts, prototypes, vectors] = [[0], [] as number[], [] as number[]];
  const nearest = Int32Array.from(tokens, (token, n) => {
    const distances = places.map((place) => squaredDistance(token, place));
    const least = Math.min(...distances);
    const near = distances.flatMap((distance, k) => (distance - least <= margin ? [k] : []));
    const isNew = before !== undefined && before.nearest[n] !== distances.indexOf(least);
    if (weights[n]! > 0 && (near.length > 1 || isNew)) {
      listed.push(n);
      prototypes.push(...near);
      starts.push(prototypes.length);
      vectors.push(...token);
    }
    return distances.indexOf(least);
  });
  const [from, of] = [Uint32Array.from(starts), Uint32Array.from(prototypes)];
  return { tokens: listed, starts: from, prototypes: of, vectors: Float64Array.from(vectors), nearest, weights };
}

/** `sum a q`, `sum a w` and minus `sum a w z` over all tokens and prototypes, by the formulas of docs/math.md section 3. */
function sumsAt(places: readonly number[][]) {
  const [mass, pull] = [new Float64Array(count), new Float64Array(count)];
  const moved = new Float64Array(count * dimension);
  tokens.forEach((token, n) => {
    const distances = places.map((place) => squaredDistance(token, place));
    const least = Math.min(...distances);
    const exponentials = distances.map((distance) => Math.exp((least - distance) / temperature));
    const total = exponentials.reduce((sum, each) => sum + each, 0);
    const error = distances.reduce((sum, distance, k) => sum + (distance * exponentials[k]!) / total, 0);
    distances.forEach((distance, k) => {
      const q = exponentials[k]! / total;
      const w = q * (1 - (distance - error) / temperature);
      mass[k]! += weights[n]! * q;
      pull[k]! += weights[n]! * w;
      token.forEach((x, axis) => (moved[k * dimension + axis]! -= weights[n]! * w * x));
    });
  });
  return { mass, pull, moved };
}

it('stay those of all tokens, whoever joins and leaves the list and changes hands meanwhile', () => {
  const [first, ...later] = rounds;
  const { mass, pull, moved } = sumsAt(first!);
  const gradient = moved.map(
    (value, index) => 2 * (value + pull[Math.floor(index / dimension)]! * first!.flat()[index]!),
  );
  const weight = weights.reduce((sum, each) => sum + each, 0);
  const slope = { tokens: 64, weight, mass, loss: weight, gradient, decrease: 1 };
  let list = listAt(first!);
  const sums = prototypeSums(list, Float64Array.from(first!.flat()), slope, temperature);
  const changes = { joins: 0, leaves: 0, jumps: 0 };
  for (const places of later) {
    const next = listAt(places, list);
    changes.joins += next.tokens.filter((token) => !list.tokens.includes(token)).length;
    changes.leaves += list.tokens.filter((token) => !next.tokens.includes(token)).length;
    changes.jumps += tokens.filter((_, n) => !list.tokens.includes(n) && next.nearest[n] !== list.nearest[n]).length;
    sums.list(next, Float64Array.from(places.flat()));
    list = next;
    const wanted = sumsAt(places);
    // Prototypes that are not listed for a token have e^-30 of it, times its distances in T.
    for (const name of ['mass', 'pull', 'moved'] as const)
      sums[name].forEach((value, index) => expect(Math.abs(value - wanted[name][index]!)).toBeLessThan(1e-8));
  }
  for (const number of Object.values(changes)) expect(number).toBeGreaterThan(5);
});

import { describe, expect, it } from 'vitest';
import { relocate, type TokenSample } from '../../src/relocate/relocate.ts';
import { randomNumbers } from '../support/run.ts';

/** Crowds of `size` tokens around places on a plane, within 0.5 of each. */
function crowds(places: readonly (readonly [number, number])[], size: number, seed = 1): TokenSample {
  const random = randomNumbers(seed);
  const rows = places.flatMap(([x, y]) =>
    Array.from({ length: size }, () => [x + random() - 0.5, y + random() - 0.5]).flat(),
  );
  return { rows: Float64Array.from(rows), weights: new Float64Array(rows.length / 2).fill(1), dimension: 2 };
}

/** Mean squared distance to the nearest prototype, summed with weights. */
function hardError({ rows, weights, dimension }: TokenSample, prototypes: Float64Array): number {
  let total = 0;
  for (let token = 0; token < weights.length; token++) {
    let nearest = Infinity;
    for (let k = 0; k < prototypes.length / dimension; k++) {
      let distance = 0;
      for (let axis = 0; axis < dimension; axis++)
        distance += (rows[token * dimension + axis]! - prototypes[k * dimension + axis]!) ** 2;
      nearest = Math.min(nearest, distance);
    }
    total += weights[token]! * nearest;
  }
  return total;
}

describe('relocate', () => {
  it('moves one of two prototypes of one crowd to the crowd pair that shares one', () => {
    const sample = crowds(
      [
        [0, 0],
        [10, 0],
        [14, 0],
      ],
      50,
    );
    const prototypes = Float64Array.of(-0.2, 0, 0.2, 0, 12, 0);
    const before = hardError(sample, prototypes);
    expect(relocate(sample, prototypes)).toEqual([expect.objectContaining({ split: 2 })]);
    // Each crowd has its own now: within 0.5 in both coordinates, a mean square of 1/12 each, and some for a prototype off its centre.
    expect(hardError(sample, prototypes)).toBeLessThan(150 * 0.25);
    expect(before).toBeGreaterThan(100 * 4);
    expect(
      [...prototypes]
        .filter((_, index) => index % 2 === 0)
        .map(Math.round)
        .sort((a, b) => a - b),
    ).toEqual([0, 10, 14]);
  });

  it('brings back an unused prototype, even with K = 2', () => {
    const sample = crowds(
      [
        [0, 0],
        [6, 0],
      ],
      40,
    );
    const prototypes = Float64Array.of(100, 0, 3, 0);
    relocate(sample, prototypes);
    expect([prototypes[0]!, prototypes[2]!].map(Math.round).sort((a, b) => a - b)).toEqual([0, 6]);
  });

  it('leaves a good solution as it is', () => {
    const sample = crowds(
      [
        [0, 0],
        [10, 0],
        [0, 10],
      ],
      30,
    );
    const prototypes = Float64Array.of(0, 0, 10, 0, 0, 10);
    expect(relocate(sample, prototypes)).toEqual([]);
    expect([...prototypes]).toEqual([0, 0, 10, 0, 0, 10]);
  });

  it('never raises the hard error, from 200 random starts', () => {
    const random = randomNumbers(7);
    for (let trial = 0; trial < 200; trial++) {
      const sample = crowds(
        Array.from({ length: 6 }, () => [20 * random(), 20 * random()] as const),
        12,
        trial,
      );
      const prototypes = Float64Array.from({ length: 10 }, () => 20 * random());
      const before = hardError(sample, prototypes);
      relocate(sample, prototypes);
      expect(hardError(sample, prototypes)).toBeLessThanOrEqual(before * (1 + 1e-12));
    }
  });

  it('counts weights as repetitions', () => {
    const plain = crowds(
      [
        [0, 0],
        [8, 0],
        [11, 0],
      ],
      10,
    );
    const weighted = { ...plain, weights: plain.weights.map((_, token) => (token < 10 ? 3 : 1)) };
    const repeated = {
      rows: Float64Array.from([...plain.rows.subarray(0, 20), ...plain.rows.subarray(0, 20), ...plain.rows]),
      weights: new Float64Array(50).fill(1),
      dimension: 2,
    };
    const [a, b] = [Float64Array.of(-0.1, 0, 0.1, 0, 9.5, 0), Float64Array.of(-0.1, 0, 0.1, 0, 9.5, 0)];
    expect(relocate(weighted, a)).toEqual(relocate(repeated, b));
    a.forEach((value, index) => expect(value).toBeCloseTo(b[index]!, 10));
  });

  it('does nothing with one prototype, or with tokens that are all alike', () => {
    const sample = crowds([[0, 0]], 5);
    expect(relocate(sample, Float64Array.of(3, 3))).toEqual([]);
    const alike = { rows: new Float64Array(10), weights: new Float64Array(5).fill(1), dimension: 2 };
    expect(relocate(alike, Float64Array.of(0, 0, 1, 1))).toEqual([]);
  });
});

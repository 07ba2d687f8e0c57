import { describe, expect, it } from 'vitest';
import { createCellAssigner, type Cells } from '../../src/relocate/cells.ts';
import { createRelocator, relocate as relocateOn, type Move, type TokenSample } from '../../src/relocate/relocate.ts';
import { squaredDistance } from '../support/oracle.ts';
import { randomNumbers } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';

/** On a backend that has everything back afterwards. */
async function relocate(sample: TokenSample, prototypes: Float64Array): Promise<Move[]> {
  const backend = strictBackend();
  const moves = await relocateOn(backend, sample, prototypes);
  expect(backend.memory().buffers).toBe(0);
  expect(backend.log.alive.size).toBe(0);
  return moves;
}

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
  it("does not split the cell that is about to take the moved one's tokens", async () => {
    // The first prototype costs 0.2 and its heir, the second, has the split that gains most: 35 against 18 of the third.
    const sample = { rows: Float64Array.of(0.4, 0.6, 9, 97, 103), weights: new Float64Array(5).fill(1), dimension: 1 };
    const moves = await relocate(sample, Float64Array.of(0, 1, 100));
    expect(moves[0]).toEqual({ moved: 0, split: 2 });
  });

  it('moves one of two prototypes of one crowd to the crowd pair that shares one', async () => {
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
    expect(await relocate(sample, prototypes)).toEqual([expect.objectContaining({ split: 2 })]);
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

  it('brings back an unused prototype, even with K = 2', async () => {
    const sample = crowds(
      [
        [0, 0],
        [6, 0],
      ],
      40,
    );
    const prototypes = Float64Array.of(100, 0, 3, 0);
    await relocate(sample, prototypes);
    expect([prototypes[0]!, prototypes[2]!].map(Math.round).sort((a, b) => a - b)).toEqual([0, 6]);
  });

  it('leaves a good solution as it is', async () => {
    const sample = crowds(
      [
        [0, 0],
        [10, 0],
        [0, 10],
      ],
      30,
    );
    const prototypes = Float64Array.of(0, 0, 10, 0, 0, 10);
    expect(await relocate(sample, prototypes)).toEqual([]);
    expect([...prototypes]).toEqual([0, 0, 10, 0, 0, 10]);
  });

  it('never raises the hard error, from 60 random starts', async () => {
    const random = randomNumbers(7);
    for (let trial = 0; trial < 60; trial++) {
      const sample = crowds(
        Array.from({ length: 6 }, () => [20 * random(), 20 * random()] as const),
        12,
        trial,
      );
      const prototypes = Float64Array.from({ length: 10 }, () => 20 * random());
      const before = hardError(sample, prototypes);
      await relocate(sample, prototypes);
      expect(hardError(sample, prototypes)).toBeLessThanOrEqual(before * (1 + 1e-12));
    }
  });

  it('counts weights as repetitions', async () => {
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
    expect(await relocate(weighted, a)).toEqual(await relocate(repeated, b));
    a.forEach((value, index) => expect(value).toBeCloseTo(b[index]!, 10));
  });

  it('does nothing with one prototype, or with tokens that are all alike', async () => {
    const sample = crowds([[0, 0]], 5);
    expect(await relocate(sample, Float64Array.of(3, 3))).toEqual([]);
    const alike = { rows: new Float64Array(10), weights: new Float64Array(5).fill(1), dimension: 2 };
    expect(await relocate(alike, Float64Array.of(0, 0, 1, 1))).toEqual([]);
  });
});

/** Cells by their definition, with plain distances in float64. */
function naiveCells({ rows, weights, dimension }: TokenSample, prototypes: Float64Array): Cells {
  const vectorsOf = (data: Float32Array | Float64Array): number[][] =>
    Array.from({ length: data.length / dimension }, (_, row) =>
      Array.from(data.subarray(row * dimension, (row + 1) * dimension)),
    );
  const places = vectorsOf(prototypes);
  /** The nearest of some prototypes, the lowest at a tie. */
  const nearestOf = (point: number[], but: number): number =>
    places.reduce(
      (best, place, k) =>
        k !== but && (best < 0 || squaredDistance(point, place) < squaredDistance(point, places[best]!)) ? k : best,
      -1,
    );
  const cost = new Float64Array(places.length);
  const codes = Int32Array.from(vectorsOf(rows), (token, n) => {
    const winner = nearestOf(token, -1);
    const next = nearestOf(token, winner);
    cost[winner]! += weights[n]! * (squaredDistance(token, places[next]!) - squaredDistance(token, places[winner]!));
    return winner;
  });
  return { codes, cost, heir: Int32Array.from(places, (place, k) => nearestOf(place, k)) };
}

describe('cells on the device', () => {
  it.each([
    [2, 2, 1],
    [40, 7, 3],
    [300, 12, 2],
  ])(
    'are those of plain loops: %i tokens, K = %i, m = %i; unused and equal prototypes too',
    async (n, count, dimension) => {
      const random = randomNumbers(n);
      const numbers = (length: number): Float64Array => Float64Array.from({ length }, () => 4 * random());
      const sample = { rows: numbers(n * dimension), weights: numbers(n).map((x) => x + 0.1), dimension };
      const backend = strictBackend();
      // A few tokens a block, so that the numbers of several join.
      const assigner = await createCellAssigner(
        { ...backend, capabilities: { ...backend.capabilities, maxBufferBytes: 8 * 40 * Math.max(count, dimension) } },
        sample,
        count,
      );
      for (let round = 0; round < 6; round++) {
        const prototypes = numbers(count * dimension);
        // Twins, of which the lower number takes the tokens and the upper none, and one far away.
        if (round % 2 === 1) prototypes.copyWithin((count - 1) * dimension, 0, dimension);
        if (round > 3) prototypes.fill(1000, 0, dimension);
        const [got, wanted] = [await assigner.assign(prototypes), naiveCells(sample, prototypes)];
        expect(got.codes).toEqual(wanted.codes);
        expect(got.heir).toEqual(wanted.heir);
        // Distances of about 16, or of 1e6 from the far one, as differences of squares: 1e-16 of those.
        got.cost.forEach((cost, k) => expect(Math.abs(cost - wanted.cost[k]!)).toBeLessThan(round > 3 ? 1e-6 : 1e-11));
      }
      assigner.dispose();
      expect(backend.memory().buffers).toBe(0);
    },
  );

  it('of a relocator that is used again are as those of a new one', async () => {
    const sample = crowds(
      Array.from({ length: 5 }, (_, k) => [3 * k, k * k] as const),
      12,
    );
    const random = randomNumbers(3);
    const relocator = await createRelocator(strictBackend(), sample, 6);
    let moved = 0;
    for (let trial = 0; trial < 5; trial++) {
      const prototypes = Float64Array.from({ length: 12 }, () => 12 * random());
      const other = prototypes.slice();
      const moves = await relocator.relocate(prototypes, 8);
      moved += moves.length;
      expect(moves).toEqual(await relocate(sample, other));
      expect(prototypes).toEqual(other);
    }
    expect(moved).toBeGreaterThan(5);
    relocator.dispose();
  });

  it('leave nothing on a device whose runs fail', async () => {
    const backend = strictBackend({
      before: (op) => {
        if (op === 'argMax') throw new Error('the device is gone');
      },
    });
    await expect(relocateOn(backend, crowds([[0, 0]], 5), Float64Array.of(0, 0, 1, 1))).rejects.toThrow('is gone');
    expect(backend.memory().buffers).toBe(0);
    expect(backend.log.alive.size).toBe(0);
  });
});

describe('prototypes that lie on one point', () => {
  it('part, although the lowest of them owns the only cell that is worth splitting', async () => {
    const sample = { rows: Float64Array.of(0, 1, 10), weights: Float64Array.of(1, 1, 1), dimension: 1 };
    const prototypes = Float64Array.of(0.5, 0.5, 10);
    const moves = await relocate(sample, prototypes);
    expect(moves).toEqual([{ moved: 1, split: 0 }]);
    expect([...prototypes].sort((a, b) => a - b)).toEqual([0, 1, 10]);
  });
});

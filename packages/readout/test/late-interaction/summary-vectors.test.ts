import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { summaryVectors } from '../../src/late-interaction/summary-vectors.ts';
import { codeOf } from '../thrown.ts';

const summaries = Float32Array.of(1, 0, 3, 4, 0, 0, 0, -2, 7, 7);

describe('summaryVectors', () => {
  it('takes the largest occupancies, ties to the lower prototype', () => {
    const { data, shape, prototypes } = summaryVectors({ summaries, occupancy: [0.1, 0.3, 0, 0.3, 0.3] }, 2);
    expect([...prototypes]).toEqual([1, 3]);
    expect(shape).toEqual([2, 2]);
    [0.6, 0.8, 0, -1].forEach((value, place) => expect(data[place]).toBeCloseTo(value, 7));
  });

  it('leaves out what is empty, even if fewer remain', () => {
    const { data, prototypes } = summaryVectors({ summaries, occupancy: [0.2, 0, 1e-32, 0.8, 0] }, 4, {
      normalize: false,
    });
    expect([...prototypes]).toEqual([3, 0]);
    expect([...data]).toEqual([0, -2, 1, 0]);
    expect(summaryVectors({ summaries, occupancy: new Float32Array(5) }, 3).shape).toEqual([0, 2]);
  });

  it('keeps no prototype that is worse than one left out', () => {
    const random = createRandom(8);
    for (let round = 0; round < 50; round++) {
      const occupancy = Float64Array.from({ length: 12 }, () => random.integer(4) / 7);
      const vectors = Float64Array.from({ length: 36 }, () => random.normal());
      const { prototypes, data } = summaryVectors({ summaries: vectors, occupancy }, 5);
      const kept = new Set(prototypes);
      const least = Math.min(...[...prototypes].map((k) => occupancy[k]!));
      const left = [...occupancy.keys()].filter((k) => !kept.has(k) && occupancy[k]! > 0);
      if (kept.size < 5) expect(left).toEqual([]);
      for (const k of left) expect(occupancy[k]).toBeLessThanOrEqual(least);
      for (const k of prototypes) expect(occupancy[k]).toBeGreaterThan(0);
      prototypes.forEach((k, row) => {
        const vector = vectors.slice(3 * k, 3 * k + 3);
        vector.forEach((value, axis) => expect(data[3 * row + axis]).toBeCloseTo(value / Math.hypot(...vector), 6));
      });
    }
  });

  it('pulls vectors to the mean of the document, those of little occupancy most', () => {
    const random = createRandom(3);
    const [K, m] = [6, 5];
    const vectors = Float64Array.from({ length: K * m }, () => 1 + random.normal());
    const raw = Float64Array.from({ length: K }, () => random.uniform());
    const total = raw.reduce((a, b) => a + b);
    const occupancy = raw.map((share) => share / total);
    const row = (k: number): number[] => [...vectors.subarray(k * m, (k + 1) * m)];
    const mean = row(0).map((_, axis) => occupancy.reduce((sum, share, k) => sum + share * row(k)[axis]!, 0));
    for (const shrinkage of [0, 0.3, 2]) {
      const { data, prototypes } = summaryVectors({ summaries: vectors, occupancy }, 4, {
        shrinkage,
        normalize: false,
      });
      prototypes.forEach((k, place) => {
        const share = occupancy[k]!;
        // A mean of `share` of the document and as much of its mean as the shrinkage says; to float32.
        const expected = row(k).map((x, axis) => (share * x + shrinkage * mean[axis]!) / (share + shrinkage));
        expected.forEach((value, axis) => expect(data[place * m + axis]).toBeCloseTo(value, 6));
      });
    }
  });

  it('puts the mean first, in the place of the smallest summary', () => {
    const occupancy = [0.2, 0.5, 0, 0.1, 0.2];
    const { data, shape, prototypes } = summaryVectors({ summaries, occupancy }, 3, {
      withMean: true,
      occupancyPower: 1,
    });
    expect(shape).toEqual([3, 2]);
    expect([...prototypes]).toEqual([-1, 1, 0]);
    // 0.2 (1, 0) + 0.5 (3, 4) + 0.1 (0, -2) + 0.2 (7, 7), at length 1; then those of length `occupancy`.
    const [x, y] = [3.1, 3.2];
    [x / Math.hypot(x, y), y / Math.hypot(x, y), 0.3, 0.4, 0.2, 0].forEach((value, place) =>
      expect(data[place]).toBeCloseTo(value, 6),
    );
    expect([...summaryVectors({ summaries, occupancy }, 1, { withMean: true }).prototypes]).toEqual([-1]);
    const empty = { summaries, occupancy: new Float32Array(5) };
    expect(summaryVectors(empty, 3, { withMean: true }).shape).toEqual([0, 2]);
  });

  it('multiplies by a power of the occupancy, after length 1', () => {
    const occupancy = [0.0625, 0.5, 0, 0.25, 0];
    const plain = summaryVectors({ summaries, occupancy }, 3).data;
    const weighted = summaryVectors({ summaries, occupancy }, 3, { occupancyPower: 0.5 }).data;
    const factors = [Math.SQRT1_2, 0.5, 0.25];
    weighted.forEach((value, place) => expect(value).toBeCloseTo(plain[place]! * factors[place >> 1]!, 6));
    const raw = summaryVectors({ summaries, occupancy }, 1, { occupancyPower: 1, normalize: false }).data;
    expect([...raw]).toEqual([1.5, 2]);
  });

  it('refuses what does not fit', async () => {
    expect(await codeOf(() => summaryVectors({ summaries, occupancy: [1, 1, 1, 1, 1] }, 0))).toBe('argument');
    for (const options of [
      { shrinkage: -1 },
      { shrinkage: NaN },
      { occupancyPower: -0.1 },
      { occupancyPower: Infinity },
    ])
      expect(await codeOf(() => summaryVectors({ summaries, occupancy: [1, 1, 1, 1, 1] }, 2, options))).toBe(
        'argument',
      );
    expect(await codeOf(() => summaryVectors({ summaries, occupancy: [1, 1, 1] }, 2))).toBe('shape');
    expect(await codeOf(() => summaryVectors({ summaries, occupancy: [] }, 2))).toBe('shape');
    expect(await codeOf(() => summaryVectors({ summaries, occupancy: [1, -1, 1, 1, 1] }, 2))).toBe('data');
    expect(await codeOf(() => summaryVectors({ summaries: Float32Array.of(1, Number.NaN), occupancy: [1] }, 2))).toBe(
      'data',
    );
  });
});

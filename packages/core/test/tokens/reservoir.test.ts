import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/random/random.ts';
import { createReservoir } from '../../src/tokens/reservoir.ts';
import { codeOf } from '../support/thrown.ts';

/** Row i is [i, -i]. */
function rows(start: number, end: number): Float32Array {
  return Float32Array.from({ length: 2 * (end - start) }, (_, j) => (j % 2 === 0 ? 1 : -1) * (start + (j >> 1)));
}

describe('createReservoir', () => {
  it('keeps everything until it is full', () => {
    const reservoir = createReservoir(5, 2, createRandom(0));
    reservoir.add(rows(0, 3));
    expect(reservoir.seen).toBe(3);
    expect(reservoir.sample()).toEqual({
      count: 3,
      rows: new Float64Array([0, -0, 1, -1, 2, -2]),
      weights: new Float64Array([1, 1, 1]),
      indices: new Float64Array([0, 1, 2]),
    });
  });

  it('keeps every subset equally often', () => {
    const counts = new Map<string, number>();
    const root = createRandom(1);
    for (let run = 0; run < 20_000; run += 1) {
      const reservoir = createReservoir(3, 2, root.fork(run));
      reservoir.add(rows(0, 6));
      const sample = reservoir.sample();
      expect(sample.count).toBe(3);
      const key = sample.indices.join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(20); // 6 choose 3
    const statistic = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(statistic).toBeLessThan(43.8); // 0.999 quantile, 19 degrees of freedom
  });

  it('does not depend on how the stream was cut, nor on the element type', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 8 }), fc.maxSafeNat(), (cuts, seed) => {
        const total = cuts.reduce((sum, cut) => sum + cut, 0);
        const whole = createReservoir(4, 2, createRandom(seed));
        whole.add(Float64Array.from(rows(0, total)));
        const parts = createReservoir(4, 2, createRandom(seed));
        let start = 0;
        for (const cut of cuts) {
          parts.add(rows(start, start + cut));
          start += cut;
        }
        expect(parts.sample()).toEqual(whole.sample());
        expect(parts.seen).toBe(total);
      }),
    );
  });

  it('returns the rows that its indices name', () => {
    const reservoir = createReservoir(10, 2, createRandom(2));
    for (let i = 0; i < 500; i += 7) reservoir.add(rows(i, Math.min(500, i + 7)));
    const { rows: kept, indices } = reservoir.sample();
    expect(indices.length).toBe(10);
    expect([...indices]).toEqual([...indices].sort((a, b) => a - b));
    indices.forEach((index, i) => expect([kept[2 * i], kept[2 * i + 1]]).toEqual([index, -index]));
    expect(indices.some((index) => index >= 10)).toBe(true);
  });

  it('returns the weight of each row it kept', () => {
    const reservoir = createReservoir(6, 2, createRandom(5));
    for (let i = 0; i < 100; i += 1) reservoir.add(rows(i, i + 1), new Float64Array([i % 5]));
    const { indices, weights } = reservoir.sample();
    expect(indices.length).toBe(6);
    expect(weights).toEqual(indices.map((index) => index % 5));
    expect(indices.some((index) => index >= 6)).toBe(true);
    expect(weights.every((weight) => weight > 0)).toBe(true);
  });

  it('skips rows of weight 0 without letting them change the choice', () => {
    const plain = createReservoir(4, 2, createRandom(3));
    plain.add(rows(0, 40));
    // Each row followed by a padding row.
    const padded = createReservoir(4, 2, createRandom(3));
    for (let i = 0; i < 40; i += 1) padded.add(new Float32Array([i, -i, 99, 99]), new Float32Array([0.5, 0]));
    expect(padded.sample().rows).toEqual(plain.sample().rows);
    expect(padded.sample().indices).toEqual(plain.sample().indices.map((index) => 2 * index));
    expect(padded.seen).toBe(80);
  });

  it('leaves the random stream as it was', () => {
    const random = createRandom(4);
    createReservoir(1, 1, random).add(new Float64Array(50));
    expect(random.uniform()).toBe(createRandom(4).uniform());
  });

  it('hands out copies', () => {
    const reservoir = createReservoir(2, 1, createRandom(0));
    const block = new Float64Array([5, 6]);
    reservoir.add(block);
    block[0] = 1;
    reservoir.sample().rows[1] = 2;
    expect(reservoir.sample().rows).toEqual(new Float64Array([5, 6]));
  });

  it.each([
    ['argument', () => createReservoir(0, 2, createRandom(0))],
    ['argument', () => createReservoir(2, 1.5, createRandom(0))],
    ['shape', () => createReservoir(2, 2, createRandom(0)).add(new Float64Array(3))],
    ['shape', () => createReservoir(2, 2, createRandom(0)).add(new Float64Array(4), new Float64Array(1))],
    ['data', () => createReservoir(2, 2, createRandom(0)).add(new Float64Array(4), new Float64Array([1, -1]))],
    ['data', () => createReservoir(2, 2, createRandom(0)).add(new Float64Array(4), new Float64Array([NaN, 1]))],
  ] as const)('throws %s', (code, action) => {
    expect(codeOf(action)).toBe(code);
  });
});

import { createRandom } from '@ddcl/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poolSequence, poolingKinds, type PoolingKind } from '../../src/pooling/pool-sequence.ts';
import { poolSequences } from '../../src/pooling/pool-sequences.ts';
import { sequencesFromBatch } from '../../src/sequences/from-batch.ts';
import type { SequenceReader } from '../../src/sequences/sequence-reader.ts';
import { codeOf } from '../thrown.ts';

/** By the definitions, on plain lists of tokens and weights > 0. */
function expectedPooled(kind: PoolingKind, tokens: number[][], weights: number[], dimension: number): number[] {
  return Array.from({ length: dimension }, (_, axis) => {
    const column = tokens.map((token) => token[axis]!);
    if (column.length === 0) return 0;
    const mean = (shares: number[]): number =>
      column.reduce((sum, value, row) => sum + value * shares[row]!, 0) / shares.reduce((sum, share) => sum + share, 0);
    if (kind === 'mean') return mean(weights);
    if (kind === 'weightedMean') return mean(weights.map((weight, row) => weight * (row + 1)));
    if (kind === 'max') return column.toSorted((a, b) => b - a)[0]!;
    return kind === 'cls' ? column[0]! : column.at(-1)!;
  });
}

describe('by hand', () => {
  const tokens = Float32Array.of(1, -8, 2, -4, 6, -6);
  it.each([
    ['mean', [3, -6]],
    ['cls', [1, -8]],
    ['max', [6, -4]],
    ['last', [6, -6]],
    ['weightedMean', [(1 + 4 + 18) / 6, -(8 + 8 + 18) / 6]],
  ] as const)('%s', (kind, expected) => {
    poolSequence(kind, tokens, 3, 2).forEach((value, axis) => expect(value).toBeCloseTo(expected[axis]!, 14));
  });

  it('takes no part: a token of weight 0, first, last or between', () => {
    const out = new Float64Array(2).fill(9);
    expect(poolSequence('cls', tokens, 3, 2, [0, 1, 1], out)).toBe(out);
    expect([...out]).toEqual([2, -4]);
    expect([...poolSequence('last', tokens, 3, 2, [1, 1, 0])]).toEqual([2, -4]);
    expect([...poolSequence('max', tokens, 3, 2, [1, 0, 1])]).toEqual([6, -6]);
    expect([...poolSequence('mean', tokens, 3, 2, [3, 0, 1])]).toEqual([9 / 4, -30 / 4]);
    // Positions 1 and 2, as if the token between were not there.
    expect([...poolSequence('weightedMean', tokens, 3, 2, [1, 0, 1])]).toEqual([13 / 3, -20 / 3]);
  });

  it.each(poolingKinds)('%s of nothing is zeros', (kind) => {
    expect([...poolSequence(kind, new Float32Array(0), 0, 3)]).toEqual([0, 0, 0]);
    expect([...poolSequence(kind, tokens, 3, 2, [0, 0, 0])]).toEqual([0, 0]);
  });
});

describe.each(poolingKinds)('%s', (kind) => {
  const number = fc.double({ min: -100, max: 100, noNaN: true });
  const sequence = fc.array(
    fc.record({ token: fc.tuple(number, number, number), weight: fc.constantFrom(0, 0, 0.5, 1, 1, 3) }),
    { maxLength: 9 },
  );

  it('has the value of float64 loops', () => {
    fc.assert(
      fc.property(sequence, (items) => {
        const kept = items.filter(({ weight }) => weight > 0);
        const expected = expectedPooled(
          kind,
          kept.map(({ token }) => token),
          kept.map(({ weight }) => weight),
          3,
        );
        const weights = items.map(({ weight }) => weight);
        const data = Float64Array.from(items.flatMap(({ token }) => token));
        const pooled = poolSequence(kind, data, items.length, 3, weights);
        pooled.forEach((value, axis) => expect(value).toBeCloseTo(expected[axis]!, 10));
      }),
    );
  });

  it('is not changed by padding, wherever it is and whatever it holds', () => {
    fc.assert(
      fc.property(
        sequence,
        fc.array(fc.tuple(fc.nat(20), fc.constantFrom(1e30, -1e30, Infinity, Number.NaN))),
        (items, pads) => {
          const padded: { token: readonly number[]; weight: number }[] = [...items];
          for (const [place, value] of pads) padded.splice(place, 0, { token: [value, value, value], weight: 0 });
          const pooled = (list: typeof padded): Float64Array =>
            poolSequence(
              kind,
              Float64Array.from(list.flatMap(({ token }) => token)),
              list.length,
              3,
              list.map(({ weight }) => weight),
            );
          expect(pooled(padded)).toEqual(pooled(items));
        },
      ),
    );
  });

  it('pools a ragged batch with a mask', async () => {
    const random = createRandom(21);
    const [batch, length, dimension] = [7, 6, 4];
    const data = Float32Array.from({ length: batch * length * dimension }, () => random.normal());
    // Sequence 3 is empty; 5 is padded on the left; 6 has a hole.
    const lengths = [6, 1, 4, 0, 5, 0, 0];
    const mask = lengths.flatMap((count) => Array.from({ length }, (_, place) => (place < count ? 1 : 0)));
    mask.splice(5 * length, 2 * length, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0);
    const weights = mask.map(() => 0.5 + random.uniform());
    const reader = sequencesFromBatch({ data, shape: [batch, length, dimension], mask, weights });
    const { data: pooled, shape, empty } = await poolSequences(reader, kind);
    const { data: unit } = await poolSequences(reader, kind, { normalize: true });
    expect(shape).toEqual([batch, dimension]);
    expect(empty).toBe(1);
    for (let sequence = 0; sequence < batch; sequence++) {
      const places = [...Array(length).keys()].map((place) => sequence * length + place).filter((at) => mask[at] === 1);
      const tokens = places.map((at) => [...data.subarray(at * dimension, (at + 1) * dimension)]);
      const expected = expectedPooled(
        kind,
        tokens,
        places.map((at) => weights[at]!),
        dimension,
      );
      const norm = Math.hypot(...expected) || 1;
      expected.forEach((value, axis) => {
        expect(pooled[sequence * dimension + axis]).toBeCloseTo(value, 6);
        expect(unit[sequence * dimension + axis]).toBeCloseTo(value / norm, 6);
      });
    }
  });
});

describe('poolSequences', () => {
  it('reads no further than the rows of a block, and counts sequences without weight as empty', async () => {
    const buffer = Float32Array.of(1, 2, 3, 4, 99, 99);
    const reader: SequenceReader = {
      dimension: 2,
      sequences: 3,
      lengths: Int32Array.of(2, 1, 0),
      read: async (index) => ({
        data: buffer,
        rows: 2 - index,
        weights: Float32Array.of(index === 1 ? 0 : 1, 1, 1),
      }),
    };
    expect(await poolSequences(reader, 'mean')).toEqual({
      data: Float32Array.of(2, 3, 0, 0, 0, 0),
      shape: [3, 2],
      empty: 2,
    });
  });

  it('refuses what it cannot use, naming the sequence', async () => {
    const reader = sequencesFromBatch({ data: Float32Array.of(1, 2, Number.NaN, 4), shape: [2, 1, 2] });
    await expect(poolSequences(reader, 'mean')).rejects.toThrow('Sequence 1 (counted from 0): Tokens must be finite');
    expect(await codeOf(() => poolSequences(reader, 'max'))).toBe('data');
    expect(await codeOf(() => poolSequences(reader, 'min' as PoolingKind))).toBe('argument');
    expect(await codeOf(() => poolSequence('mean', new Float32Array(4), 2, 2, [1, -1]))).toBe('data');
    expect(await codeOf(() => poolSequence('mean', new Float32Array(5), 2, 2))).toBe('shape');
    expect(await codeOf(() => poolSequence('mean', new Float32Array(4), 2, 2, [1]))).toBe('shape');
  });
});

import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { meanToken, normalizedTokens, Readout, type SequenceReader, type TokenBatch } from '../../src/index.ts';
import { sequencesFromBatch } from '../../src/sequences/from-batch.ts';
import { batchesFromReader } from '../../src/sequences/from-reader.ts';

const random = createRandom(2);
const m = 4;
const model: DdclModel = {
  count: 3,
  dimension: m,
  dtype: 'float32',
  prototypes: Float64Array.from({ length: 3 * m }, () => Math.fround(random.normal())),
  temperature: 1,
  criticalTemperature: 9,
  offset: new Float64Array(m),
  scale: 1,
  totalVariance: m,
};

async function rowsOf(reader: SequenceReader): Promise<number[][]> {
  const rows = [];
  for (let index = 0; index < reader.sequences; index++) rows.push([...(await reader.read(index)).data]);
  return rows;
}

describe('sequencesFromBatch', () => {
  it('gives the tokens of each sequence, in order, wherever they lie', async () => {
    const data = Float32Array.from({ length: 6 * m }, (_, i) => i);
    const row = (n: number): number[] => [0, 1, 2, 3].map((i) => n * m + i);
    const mixed = sequencesFromBatch({
      data,
      shape: [6, m],
      segments: [2, 0, 2, 0, 2, 0],
      weights: [1, 2, 1, 0, 1, 3],
    });
    expect([...mixed.lengths]).toEqual([2, 0, 3]);
    expect(await rowsOf(mixed)).toEqual([[...row(1), ...row(5)], [], [...row(0), ...row(2), ...row(4)]]);
    expect((await mixed.read(0)).weights).toEqual(Float64Array.of(2, 3));
    const padded = sequencesFromBatch({ data, shape: [2, 3, m], mask: [1, 1, 0, 0, 1, 1] });
    expect(await rowsOf(padded)).toEqual([
      [...row(0), ...row(1)],
      [...row(4), ...row(5)],
    ]);
  });
});

describe('batchesFromReader', () => {
  it('streams all sequences, empty ones and long ones, so that encoding them is as encoding them at once', async () => {
    const lengths = [0, 3, 9000, 1, 0, 700, 8000, 5, 0, 0];
    const tokens = lengths.reduce((a, b) => a + b, 0);
    const data = Float32Array.from({ length: tokens * m }, () => random.normal());
    const segments = lengths.flatMap((length, s) => Array.from({ length }, () => s));
    const batch: TokenBatch = {
      data,
      shape: [tokens, m],
      segments,
      weights: Float64Array.from(segments, (_, n) => 1 + (n % 2)),
    };
    // The two sequences at the end have no token, so the batch does not know of them.
    const { sequences, ...inMemory } = sequencesFromBatch(batch);
    expect(sequences).toBe(8);
    const reader: SequenceReader = {
      ...inMemory,
      sequences: 10,
      lengths: Int32Array.from(lengths),
      read: (index) => (index < 8 ? inMemory.read(index) : Promise.resolve({ data: new Float32Array(0), rows: 0 })),
    };
    const readout = Readout.fromModel(model, { backend: cpuBackend() });
    const all = await readout.encode(batch, { outputs: ['pooled', 'occupancy'] });
    const streamed = await readout.encode(batchesFromReader(reader), { outputs: ['pooled', 'occupancy'] });
    expect(streamed).toMatchObject({ sequences: 10, empty: 4, tokens });
    all.pooled!.data.forEach((value, i) => expect(streamed.pooled!.data[i]).toBeCloseTo(value as number, 5));
    expect([...streamed.pooled!.data.subarray(8 * m)]).toEqual(Array.from({ length: 2 * m }, () => 0));
  });
});

describe('normalizedTokens', () => {
  it.each([Float32Array, Float64Array])('gives each token length 1 and leaves the reader alone', async (Floats) => {
    const data = Floats.of(3, 4, 0, 0, 0, 0, 0, 0, 0, 0, -2, 0);
    const weights = Float64Array.of(1, 2, 0.5);
    const reader = sequencesFromBatch({ data, shape: [3, 4], segments: [0, 2, 2], weights });
    const normalized = normalizedTokens(reader);
    expect([normalized.dimension, normalized.sequences, [...normalized.lengths]]).toEqual([4, 3, [1, 0, 2]]);
    const rows = await rowsOf(normalized);
    rows[0]!.forEach((value, axis) => expect(value).toBeCloseTo([0.6, 0.8, 0, 0][axis]!, 7));
    expect(rows.slice(1)).toEqual([[], [0, 0, 0, 0, 0, 0, -1, 0]]);
    expect((await normalized.read(2)).weights).toEqual(Float64Array.of(2, 0.5));
    expect((await normalized.read(0)).data).toBeInstanceOf(Floats);
    expect(await rowsOf(reader)).toEqual([[3, 4, 0, 0], [], [0, 0, 0, 0, 0, 0, -2, 0]]);
  });

  it('takes a centre off first, such as the mean of all tokens that count', async () => {
    const data = Float32Array.of(1, 2, 5, 8, NaN, NaN, 3, 5);
    const reader = sequencesFromBatch({ data, shape: [4, 2], segments: [0, 0, 1, 2], weights: [1, 3, 0, 2] });
    const centre = await meanToken(reader);
    // (1 (1, 2) + 3 (5, 8) + 2 (3, 5)) / 6
    expect([...centre]).toEqual([22 / 6, 6]);
    const [first] = await rowsOf(normalizedTokens(reader, centre));
    const expected = [
      [1 - 22 / 6, -4],
      [5 - 22 / 6, 2],
    ].flatMap(([x, y]) => [x! / Math.hypot(x!, y!), y! / Math.hypot(x!, y!)]);
    first!.forEach((value, place) => expect(value).toBeCloseTo(expected[place]!, 6));
    expect(() => normalizedTokens(reader, [1, 2, 3])).toThrow(/Tokens have 2 numbers, but the centre has 3/);
    const none = sequencesFromBatch({ data, shape: [4, 2], segments: [0, 0, 0, 0], weights: [0, 0, 0, 0] });
    await expect(meanToken(none)).rejects.toThrow(/no token to take the mean of/);
  });
});

import { isDdclError } from '@ddcl/core';
import { tokensFromArray } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { columnStatistics, preprocess, type Preprocessing } from '../../src/preprocess/preprocessing.ts';

async function apply(rows: number[][], preprocessing: Preprocessing): Promise<number[][]> {
  const dimension = rows[0]!.length;
  const reader = preprocess(tokensFromArray(Float64Array.from(rows.flat()), dimension), preprocessing);
  const { data } = await reader.read(0, rows.length);
  return rows.map((_, row) => [...data.subarray(row * dimension, (row + 1) * dimension)]);
}

const statisticsOf = (rows: number[][]): ReturnType<typeof columnStatistics> =>
  columnStatistics(tokensFromArray(Float64Array.from(rows.flat()), rows[0]!.length));

describe('standardization', () => {
  it('gives each column mean 0 and deviation 1', async () => {
    const rows = [
      [1, 100],
      [2, 300],
      [6, 200],
    ];
    const statistics = await statisticsOf(rows);
    expect(statistics.mean).toEqual([3, 200]);
    expect(statistics.deviation[0]).toBeCloseTo(Math.sqrt(14 / 3), 14);
    const prepared = await apply(rows, { standardize: statistics, normalize: false });
    const { mean, deviation } = await statisticsOf(prepared);
    for (const axis of [0, 1]) {
      expect(mean[axis]).toBeCloseTo(0, 14);
      expect(deviation[axis]).toBeCloseTo(1, 14);
    }
  });

  it('leaves a constant column at 0', async () => {
    const rows = [
      [0.1, 1],
      [0.1, 2],
      [0.1, 3],
    ];
    const standardize = await statisticsOf(rows);
    expect(standardize.deviation[0]).toBe(1);
    expect((await apply(rows, { standardize, normalize: false })).map(([first]) => first)).toEqual([0, 0, 0]);
  });

  it('keeps digits of columns far from 0', async () => {
    const { mean, deviation } = await statisticsOf([[1e9 + 1], [1e9 + 2], [1e9 + 3]]);
    expect(mean).toEqual([1e9 + 2]);
    expect(deviation[0]).toBeCloseTo(Math.sqrt(2 / 3), 12);
  });

  it.each([1e200, 1.7e308])('refuses numbers whose squares are too large: %d', async (large) => {
    const error: unknown = await statisticsOf([[large], [-large]]).catch((thrown: unknown) => thrown);
    expect(isDdclError(error, 'data') && error.message).toMatch(/^The numbers of column 0 .* Scale them first\.$/);
  });

  it('refuses other columns than its own', () => {
    const standardize = { mean: [0], deviation: [1] };
    expect(() => preprocess(tokensFromArray(new Float64Array(4), 2), { standardize, normalize: false })).toThrow(
      'for 1 columns',
    );
  });

  it('stops when asked to', async () => {
    const error: unknown = await columnStatistics(tokensFromArray(new Float64Array(4), 2), AbortSignal.abort()).catch(
      (thrown: unknown) => thrown,
    );
    expect(isDdclError(error, 'aborted')).toBe(true);
  });
});

describe('normalization', () => {
  it('gives each token length 1, whatever its size, and leaves 0 as it is', async () => {
    const rows = [
      [3, 4],
      [-6e200, 8e200],
      [3e-200, -4e-200],
      [0, 0],
    ];
    const prepared = await apply(rows, { standardize: null, normalize: true });
    const wanted = [
      [0.6, 0.8],
      [-0.6, 0.8],
      [0.6, -0.8],
      [0, 0],
    ];
    prepared.forEach((row, index) =>
      row.forEach((value, axis) => expect(value).toBeCloseTo(wanted[index]![axis]!, 14)),
    );
  });

  it('comes after standardization', async () => {
    const standardize = { mean: [1, 1], deviation: [1, 2] };
    expect(await apply([[4, 9]], { standardize, normalize: true })).toEqual([[0.6, 0.8]]);
  });

  it('does not touch what the reader holds', async () => {
    const data = Float64Array.of(3, 4);
    await preprocess(tokensFromArray(data, 2), { standardize: null, normalize: true }).read(0, 1);
    expect([...data]).toEqual([3, 4]);
  });
});

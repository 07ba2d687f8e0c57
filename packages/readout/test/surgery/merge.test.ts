import { createRandom } from '@ddcl/core';
import { distinctPrototypes } from '@ddcl/core/metrics';
import { describe, expect, it } from 'vitest';
import { mergeClose, mergePrototypes } from '../../src/surgery/merge.ts';
import { modelOf, rowsOf } from './models.ts';
import { codeOf } from '../thrown.ts';

const model = modelOf([
  [0, 0],
  [10, 2],
  [4, 8],
  [20, -2],
]);

describe('mergePrototypes', () => {
  it('replaces a group by its mean, at its lowest number', () => {
    const before = model.prototypes.slice();
    const { model: merged, map } = mergePrototypes(model, [[3, 1]]);
    expect(rowsOf(merged)).toEqual([
      [0, 0],
      [15, 0],
      [4, 8],
    ]);
    expect([...map]).toEqual([0, 1, 2, 1]);
    expect(merged).toEqual({ ...model, count: 3, prototypes: merged.prototypes });
    expect(model.prototypes).toEqual(before);
  });

  it('weighs by mass, and keeps the centroid of all', () => {
    const masses = [1, 3, 2, 1];
    const { model: merged, map } = mergePrototypes(model, [[1, 3]], masses);
    expect(rowsOf(merged)[1]).toEqual([12.5, 1]);
    const joined = [0, 0, 0];
    masses.forEach((mass, k) => (joined[map[k]!]! += mass));
    for (const axis of [0, 1]) {
      const moment = (rows: number[][], weights: number[]): number =>
        rows.reduce((sum, row, k) => sum + weights[k]! * row[axis]!, 0);
      expect(moment(rowsOf(merged), joined)).toBeCloseTo(moment(rowsOf(model), masses), 12);
    }
    expect(rowsOf(mergePrototypes(model, [[1, 3]], [1, 0, 0, 0]).model)[1]).toEqual([15, 0]);
  });

  it('takes groups that share a prototype as one', () => {
    const { model: merged, map } = mergePrototypes(model, [
      [3, 2],
      [1, 3],
    ]);
    expect([...map]).toEqual([0, 1, 1, 1]);
    expect(rowsOf(merged)[1]![0]).toBeCloseTo(34 / 3, 12);
    expect(mergePrototypes(model, []).model).toEqual(model);
  });

  it('stays exact in float32', () => {
    const single = { ...model, dtype: 'float32', prototypes: model.prototypes.map(Math.fround) } as const;
    const { model: merged } = mergePrototypes(single, [[0, 1, 2]]);
    expect(merged.prototypes).toEqual(merged.prototypes.map(Math.fround));
  });

  it('refuses what does not fit', async () => {
    expect(await codeOf(() => mergePrototypes(model, [[0, 4]]))).toBe('argument');
    expect(await codeOf(() => mergePrototypes(model, [[0, 0.5]]))).toBe('argument');
    expect(await codeOf(() => mergePrototypes(model, [[0, 1]], [1, 2]))).toBe('shape');
    expect(await codeOf(() => mergePrototypes(model, [[0, 1]], [1, -2, 1, 1]))).toBe('data');
    expect(await codeOf(() => mergePrototypes(model, [[0, 1]], [0, 0, 0, 0]))).toBe('data');
  });
});

describe('mergeClose', () => {
  it('joins chains below 5 % of the root of the total variance', async () => {
    // The limit is 0.5: the first three are a chain, the fourth is at 0.5 of the third.
    const close = modelOf([[0], [0.8], [0.4], [1.3], [7]]);
    const { model: merged, map } = mergeClose(close);
    expect([...map]).toEqual([0, 0, 0, 1, 2]);
    expect(rowsOf(merged)[0]![0]).toBeCloseTo(0.4, 12);
    expect(rowsOf(mergeClose(close, { masses: [3, 1, 0, 1, 1] }).model)[0]![0]).toBeCloseTo(0.2, 12);
    expect(mergeClose(close, { share: 1 }).model.count).toBe(1);
    expect(await codeOfShare(0)).toBe('argument');
  });

  it('leaves as many as `distinct` counts', () => {
    const random = createRandom(5);
    const crowd = modelOf(Array.from({ length: 60 }, () => [2 * random.normal(), 2 * random.normal()]));
    const distances = [0.01, 0.05, 0.08];
    const left = distances.map((share) => mergeClose(crowd, { share }).model.count);
    expect(left).toEqual(distances.map((share) => distinctPrototypes(crowd.prototypes, 60, 2, share * 10)));
    expect(new Set(left).size).toBe(3);
  });
});

function codeOfShare(share: number): Promise<string> {
  return codeOf(() => mergeClose(model, { share }));
}

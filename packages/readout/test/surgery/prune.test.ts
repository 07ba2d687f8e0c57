import { describe, expect, it } from 'vitest';
import { prunePrototypes } from '../../src/surgery/prune.ts';
import { modelOf, rowsOf } from './models.ts';
import { codeOf } from '../thrown.ts';

const model = modelOf([[0], [1], [2], [3]]);

describe('prunePrototypes', () => {
  it('keeps those named, in their order', () => {
    const { model: pruned, map } = prunePrototypes(model, { keep: [3, 1, 3] });
    expect(rowsOf(pruned)).toEqual([[1], [3]]);
    expect([...map]).toEqual([-1, 0, -1, 1]);
    expect(pruned).toEqual({ ...model, count: 2, prototypes: pruned.prototypes });
  });

  it('keeps those that are used enough, whatever the unit of mass', () => {
    for (const unit of [1, 250]) {
      const shares = [0.1, 0.55, 0.05, 0.3].map((share) => share * unit);
      expect(rowsOf(prunePrototypes(model, { minShare: 0.08, shares }).model)).toEqual([[0], [1], [3]]);
    }
  });

  it('never removes all', () => {
    const { model: last, map } = prunePrototypes(model, { minShare: 0.9, shares: [0.1, 0.4, 0.4, 0.1] });
    expect(rowsOf(last)).toEqual([[1]]);
    expect([...map]).toEqual([-1, 0, -1, -1]);
  });

  it('refuses what does not fit', async () => {
    expect(await codeOf(() => prunePrototypes(model, { keep: [] }))).toBe('argument');
    expect(await codeOf(() => prunePrototypes(model, { keep: [4] }))).toBe('argument');
    expect(await codeOf(() => prunePrototypes(model, { minShare: 0, shares: [1, 1, 1, 1] }))).toBe('argument');
    expect(await codeOf(() => prunePrototypes(model, { minShare: 0.1, shares: [1, 1, 1] }))).toBe('shape');
    expect(await codeOf(() => prunePrototypes(model, { minShare: 0.1, shares: [1, NaN, 1, 1] }))).toBe('data');
    expect(await codeOf(() => prunePrototypes(model, { minShare: 0.1, shares: [0, 0, 0, 0] }))).toBe('data');
  });
});

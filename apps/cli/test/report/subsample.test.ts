import { describe, expect, it } from 'vitest';
import { subsample } from '../../src/report/subsample.ts';
import { thinHistory } from '../../src/report/thin-history.ts';

describe('subsample', () => {
  it('keeps the shares of the groups and loses none', () => {
    const groups = Array.from({ length: 100_000 }, (_, index) => (index === 77 ? 'rare' : index % 4 === 0 ? 'a' : 'b'));
    const chosen = subsample(groups, 2000);
    expect(chosen).toHaveLength(2000);
    expect(new Set(chosen).size).toBe(2000);
    const count = (group: string): number => chosen.filter((index) => groups[index] === group).length;
    expect(count('rare')).toBe(1);
    expect(Math.abs(count('a') - 500)).toBeLessThanOrEqual(1);
    expect(chosen).toEqual([...chosen].sort((a, b) => a - b));
    expect(subsample(groups, 2000)).toEqual(chosen);
  });

  it('keeps all where there are few', () => {
    expect(subsample(Int32Array.from([2, 0, 1]), 3)).toEqual([0, 1, 2]);
    expect(subsample([], 3)).toEqual([]);
  });
});

describe('thinHistory', () => {
  it('keeps the ends and the order', () => {
    const all = Array.from({ length: 1001 }, (_, index) => index);
    const thinned = thinHistory(all, 300);
    expect(thinned).toHaveLength(300);
    expect([thinned[0], thinned.at(-1)]).toEqual([0, 1000]);
    expect(new Set(thinned).size).toBe(300);
    expect(thinHistory([1, 2], 300)).toEqual([1, 2]);
  });
});

import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { bucketLengths, groupDocuments } from '../../src/head/length-buckets.ts';

const random = createRandom(1);
const lengths = Int32Array.from({ length: 300 }, () => Math.floor(Math.exp(5 * random.uniform())));

const padded = (buckets: readonly number[]): number =>
  lengths.reduce((sum, length) => sum + buckets.find((bucket) => bucket >= length)!, 0);

describe('bucketLengths', () => {
  it('pads least of all choices of three', () => {
    const bounds = [...new Set([...lengths].map((length) => 8 * Math.ceil(length / 8)))].sort((a, b) => a - b);
    const last = bounds.at(-1)!;
    let least = Infinity;
    for (const first of bounds)
      for (const second of bounds) {
        if (first < second) least = Math.min(least, padded([first, second, last]));
      }
    const chosen = bucketLengths(lengths, 3);
    expect(chosen).toHaveLength(3);
    expect(padded(chosen)).toBe(least);
  });

  it('has no more lengths than there are, and serves empty documents', () => {
    expect(bucketLengths(Int32Array.of(3, 5, 20), 9)).toEqual([8, 24]);
    expect(bucketLengths(Int32Array.of(0, 0), 3)).toEqual([8]);
    expect(bucketLengths(new Int32Array(0), 3)).toEqual([8]);
  });

  it('is quick for very long documents', () => {
    const long = Int32Array.from({ length: 3000 }, (_, index) => 7 + 37 * index);
    const chosen = bucketLengths(long, 4);
    expect(chosen).toHaveLength(4);
    expect(chosen.at(-1)).toBeGreaterThanOrEqual(long.at(-1)!);
  });
});

describe('groupDocuments', () => {
  it('puts every document into one group that fits it; only the last is smaller', () => {
    const buckets = bucketLengths(lengths, 4);
    const order = createRandom(2).permutation(lengths.length);
    const groups = groupDocuments(order, lengths, buckets, 7);
    expect(groups.flatMap(({ documents }) => documents).sort((a, b) => a - b)).toEqual([...lengths.keys()]);
    groups.forEach(({ length, documents }, index) => {
      expect(buckets).toContain(length);
      expect(Math.max(...documents.map((document) => lengths[document]!))).toBeLessThanOrEqual(length);
      if (index < groups.length - 1) expect(documents).toHaveLength(7);
    });
    expect(groups).toHaveLength(Math.ceil(lengths.length / 7));
  });
});

import { describe, expect, it } from 'vitest';
import { batchesFromArrays, batchesFromIterable } from '../../src/train/batches.ts';
import { errorOf, rejection } from '../support/run.ts';

const rows = 10;
const arrays = {
  x: Float32Array.from({ length: rows * 3 }, (_, index) => index),
  label: Int32Array.from({ length: rows }, (_, index) => index),
};

describe('batches of arrays', () => {
  it.each([
    [4, false, [4, 4, 2]],
    [4, true, [4, 4]],
    [5, true, [5, 5]],
    [20, false, [10]],
    [20, true, []],
  ])('of size %i, the last dropped: %s', (size, dropLast, sizes) => {
    const batches = batchesFromArrays(arrays, { rows, size, dropLast });
    expect(batches.batchesPerEpoch).toBe(sizes.length);
    for (const epoch of [0, 1]) {
      const made = [...batches.epoch(epoch)];
      expect(made.map(({ label }) => label.length)).toEqual(sizes);
      const seen = made.flatMap(({ label }) => [...label]);
      expect(new Set(seen).size).toBe(seen.length);
      for (const { x, label } of made)
        expect([...x]).toEqual([...label].flatMap((row) => [3 * row, 3 * row + 1, 3 * row + 2]));
    }
  });

  it('come in an order of their own in each epoch, which the seed and the epoch decide', () => {
    const order = (epoch: number, seed = 0): number[] =>
      [...batchesFromArrays(arrays, { rows, size: 3, seed }).epoch(epoch)].flatMap(({ label }) => [...label]);
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
    expect(order(1)).not.toEqual(order(1, 5));
    const stored = [...batchesFromArrays(arrays, { rows, size: 3, shuffle: false }).epoch(7)].flatMap(({ label }) => [
      ...label,
    ]);
    expect(stored).toEqual([...arrays.label]);
  });

  it('refuse arrays of other rows, and sizes out of range', () => {
    expect(errorOf(() => batchesFromArrays({ x: new Float32Array(7) }, { rows, size: 2 })).message).toContain(
      "'x' of 7 numbers is not 10 rows",
    );
    expect(errorOf(() => batchesFromArrays(arrays, { rows, size: 0 })).code).toBe('argument');
  });
});

describe('batches of examples as they come', () => {
  const examples = Array.from({ length: 23 }, (_, index) => ({ x: [index, -index], label: index }));
  async function collect(
    options: Parameters<typeof batchesFromIterable>[1],
    source: Iterable<(typeof examples)[number]> = examples,
  ) {
    const made: { x: number[]; label: number[] }[] = [];
    for await (const batch of batchesFromIterable(source, options)) made.push(batch);
    return made;
  }

  it.each([1, 5, 100])('hold each example once, mixed in a pool of %i', async (pool) => {
    const made = await collect({ size: 4, pool });
    expect(made.map(({ label }) => label.length)).toEqual([4, 4, 4, 4, 4, 3]);
    const labels = made.flatMap(({ label }) => label);
    expect([...labels].sort((a, b) => a - b)).toEqual(examples.map(({ label }) => label));
    expect(made.flatMap(({ x }) => x)).toEqual(labels.flatMap((label) => [label, -label]));
    if (pool === 1) expect(labels).toEqual(examples.map(({ label }) => label));
    else expect(labels).not.toEqual(examples.map(({ label }) => label));
    // An example waits for as long as chance lets it, but comes no sooner than the pool reaches it.
    labels.forEach((label, place) => expect(label).toBeLessThan(place + pool));
    expect((await collect({ size: 4, pool })).flatMap(({ label }) => label)).toEqual(labels);
    expect(await collect({ size: 4, pool, dropLast: true })).toHaveLength(5);
  });

  it('refuse examples of another form than the first', async () => {
    const mixed = [...examples.slice(0, 3), { x: [1], label: 2 }];
    expect((await rejection(collect({ size: 2 }, mixed))).message).toContain('label (1), x (2)');
    expect((await rejection(collect({ size: 2, pool: 0 }))).code).toBe('argument');
  });
});

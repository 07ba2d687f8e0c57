import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/random/random.ts';
import { fromFloat16, toFloat16 } from '../../src/numbers/float16.ts';
import { tokensFromFloat16 } from '../../src/tokens/from-float16.ts';
import { halfPass, type PassSizes } from '../../src/tokens/half-pass.ts';
import { shufflePools } from '../../src/tokens/shuffle-pool.ts';
import type { PassOrder, TokenBlock } from '../../src/tokens/token-source.ts';
import { rejection } from '../support/run.ts';

const dimension = 2;
/** Token n is [n, -n]. */
const bits = (tokens: number): Uint16Array =>
  toFloat16(Float32Array.from({ length: tokens * dimension }, (_, i) => (i % 2 ? -1 : 1) * Math.floor(i / 2)));

/** A reader that takes a while, the longer the earlier it is asked, and counts the reads that are under way. */
function slowReader(tokens: number, all = bits(tokens)) {
  const plain = tokensFromFloat16(all, dimension);
  const seen = { active: 0, most: 0, reads: 0 };
  const reader = {
    dimension,
    read: (start: number, count: number) => plain.read(start, count),
    async readHalf(start: number, target: Uint16Array) {
      seen.reads++;
      seen.active++;
      seen.most = Math.max(seen.most, seen.active);
      await wait(4 - (start % 4));
      await plain.readHalf!(start, target);
      seen.active--;
    },
  };
  return { reader, seen };
}

async function tokensOf(reader: Parameters<typeof halfPass>[0], sizes: PassSizes, order: PassOrder): Promise<number[]> {
  const seen: number[] = [];
  for await (const { data, rows } of halfPass(reader, sizes, order)) {
    const numbers = fromFloat16(data);
    expect(numbers).toHaveLength(rows * dimension);
    for (let row = 0; row < rows; row++) {
      expect(numbers[row * dimension + 1]).toBe(-numbers[row * dimension]!);
      seen.push(numbers[row * dimension]!);
    }
    // Whoever takes a block may be busy; the next pool is read meanwhile, and must not be read into this one.
    await wait(3);
    expect(fromFloat16(data)).toEqual(numbers);
  }
  return seen;
}

/** The order of a pass in numbers, by its own way: chunks in random order, cut into pools, each shuffled. */
async function expectedOrder({ tokens, rows, capacity }: PassSizes, seed: number): Promise<number[]> {
  const random = createRandom(seed);
  const chunkOrder = random.fork('chunks').permutation(Math.ceil(tokens / rows));
  async function* chunks(): AsyncGenerator<TokenBlock> {
    for (const chunk of chunkOrder) {
      const count = Math.min(rows, tokens - chunk * rows);
      const data = fromFloat16(bits(tokens).slice(chunk * rows * dimension, (chunk * rows + count) * dimension));
      yield { data, rows: count };
    }
  }
  const seen: number[] = [];
  for await (const { data } of shufflePools(chunks(), dimension, capacity, random.fork('rows')))
    seen.push(...data.filter((_, i) => i % 2 === 0));
  return seen;
}

describe('halfPass', () => {
  it.each<PassSizes>([
    { tokens: 37, rows: 3, capacity: 10 },
    { tokens: 40, rows: 4, capacity: 8 },
    { tokens: 41, rows: 7, capacity: 5 },
    { tokens: 3, rows: 5, capacity: 9 },
    { tokens: 1, rows: 1, capacity: 1 },
    { tokens: 0, rows: 1, capacity: 1 },
  ])('gives every token once over several pools, in the order of a pass in numbers: %o', async (sizes) => {
    const { reader, seen } = slowReader(sizes.tokens);
    const stored = Array.from({ length: sizes.tokens }, (_, n) => n);
    expect(await tokensOf(reader, sizes, 'stored')).toEqual(stored);
    expect(seen.reads).toBe(Math.ceil(sizes.tokens / sizes.capacity));
    for (const seed of [1, 2]) {
      const shuffled = await tokensOf(reader, sizes, { seed });
      expect(shuffled).toEqual(await expectedOrder(sizes, seed));
      expect([...shuffled].sort((a, b) => a - b)).toEqual(stored);
    }
    if (sizes.tokens > 30) expect(seen.most).toBeGreaterThan(1);
  });

  it('reads nothing any more when it is left early', async () => {
    const { reader, seen } = slowReader(40);
    for await (const _ of halfPass(reader, { tokens: 40, rows: 2, capacity: 10 }, { seed: 1 })) break;
    expect(seen.active).toBe(0);
    const { reads } = seen;
    await wait(20);
    expect(seen.reads).toBe(reads);
  });

  it('reads nothing any more when a read has failed, and tells its reason', async () => {
    const { reader, seen } = slowReader(40);
    const broken = {
      ...reader,
      async readHalf(start: number, target: Uint16Array) {
        if (start === 20) throw new Error('the disk is gone');
        await reader.readHalf(start, target);
      },
    };
    const pass = async (): Promise<void> => {
      for await (const _ of halfPass(broken, { tokens: 40, rows: 2, capacity: 10 }, { seed: 1 })) await wait(1);
    };
    await expect(pass()).rejects.toThrow('the disk is gone');
    expect(seen.active).toBe(0);
  });

  it.each<PassOrder>(['stored', { seed: 3 }])(
    'names what is not finite by its place in stored order: %o',
    async (order) => {
      const spoilt = bits(40);
      spoilt[33 * dimension + 1] = 0x7c00;
      const { reader } = slowReader(40, spoilt);
      const error = await rejection(tokensOf(reader, { tokens: 40, rows: 3, capacity: 10 }, order));
      expect(error.code).toBe('data');
      expect(error.message).toContain('Token 33 (counted from 0) holds Infinity in component 1');
    },
  );
});

import { describe, expect, it } from 'vitest';
import { toFloat16 } from '../../src/numbers/float16.ts';
import { deviceHalfBlocks } from '../../src/tokens/device-half-blocks.ts';
import { tokensFromFloat16 } from '../../src/tokens/from-float16.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import type { HalfBlock, PassOrder } from '../../src/tokens/token-source.ts';
import { errorOf, rejection } from '../support/run.ts';

const dimension = 2;
/** Token n is [n, -n]. */
const bits = (tokens: number): Uint16Array =>
  toFloat16(Float32Array.from({ length: tokens * dimension }, (_, i) => (i % 2 ? -1 : 1) * Math.floor(i / 2)));

async function* blocksOf(...blocks: HalfBlock[]): AsyncGenerator<HalfBlock> {
  yield* blocks;
}

async function cut(blocks: AsyncIterable<HalfBlock>, size: number) {
  const made = [];
  for await (const { data, weights, rows, weight } of deviceHalfBlocks(blocks, size, dimension)) {
    made.push({ data: Array.from(data), weights: Array.from(weights), rows, weight });
  }
  return made;
}

describe('tokensFromFloat16', () => {
  it.each([{ seed: 4 }, 'stored' as const])(
    'gives numbers and halves of one pass in one order: %o',
    async (order: PassOrder) => {
      const source = tokensFromReader(tokensFromFloat16(bits(1500), dimension));
      const numbers: number[] = [];
      const halves: number[] = [];
      for await (const { data } of source.blocks(order)) numbers.push(...data);
      for await (const { data } of source.halfBlocks!(order)) halves.push(...data);
      expect(numbers).toHaveLength(3000);
      expect(Uint16Array.from(halves)).toEqual(toFloat16(Float32Array.from(numbers)));
      const sorted = numbers.filter((_, i) => i % 2 === 0).sort((a, b) => a - b);
      expect(sorted).toEqual(Array.from({ length: 1500 }, (_, n) => n));
      if (order !== 'stored') expect(numbers[0] === 0 && numbers[2] === 1 && numbers[4] === 2).toBe(false);
    },
  );

  it('refuses what is not whole tokens', () => {
    expect(errorOf(() => tokensFromFloat16(new Uint16Array(5), 2)).code).toBe('shape');
    expect(errorOf(() => tokensFromFloat16(new Uint16Array(4), 0)).code).toBe('shape');
  });
});

describe('deviceHalfBlocks', () => {
  it('cuts into blocks of one size, the rest being zeros of weight 0', async () => {
    const first = { data: Uint16Array.of(1, 2, 3, 4, 5, 6), rows: 3 };
    const second = { data: Uint16Array.of(7, 8), rows: 1, weights: Float32Array.of(0.5) };
    expect(await cut(blocksOf(first, second), 3)).toEqual([
      { data: [1, 2, 3, 4, 5, 6], weights: [1, 1, 1], rows: 3, weight: 3 },
      { data: [7, 8, 0, 0, 0, 0], weights: [0.5, 0, 0], rows: 1, weight: 0.5 },
    ]);
    expect(await cut(blocksOf(), 3)).toEqual([]);
    expect(await cut(blocksOf(first), 3)).toHaveLength(1);
  });

  it('names the token that is not finite', async () => {
    const fine = { data: new Uint16Array(8), rows: 4 };
    const spoilt = { data: Uint16Array.of(0, 0, 0, 0xfc00), rows: 2 };
    const error = await rejection(cut(blocksOf(fine, spoilt), 4));
    expect(error.code).toBe('data');
    expect(error.message).toContain('Token 5 (counted from 0) holds -Infinity in component 1');
  });

  it('refuses blocks of another dimension', async () => {
    expect((await rejection(cut(blocksOf({ data: new Uint16Array(3), rows: 1 }), 4))).code).toBe('shape');
  });
});

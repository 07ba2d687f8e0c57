import { describe, expect, it } from 'vitest';
import type { Capabilities } from '../../src/backend/contract.ts';
import { blockRows, mostStepRows } from '../../src/tokens/block-size.ts';
import { deviceBlocks, type DeviceBlockOptions } from '../../src/tokens/device-blocks.ts';
import type { TokenBlock } from '../../src/tokens/token-source.ts';
import { rejection } from '../support/run.ts';

async function* blocksOf(...blocks: TokenBlock[]): AsyncGenerator<TokenBlock> {
  yield* blocks;
}

const frame = { offset: Float64Array.of(10, 20), scale: 2 };
const usual: DeviceBlockOptions = { size: 4, dimension: 2, dtype: 'float64', frame };

async function cut(blocks: AsyncIterable<TokenBlock>, options: Partial<DeviceBlockOptions> = {}) {
  const made = [];
  for await (const { data, weights, rows, weight } of deviceBlocks(blocks, { ...usual, ...options })) {
    made.push({ data: Array.from(data), weights: Array.from(weights), rows, weight });
  }
  return made;
}

describe('deviceBlocks', () => {
  it('cuts into blocks of one size in the frame, the rest being zeros of weight 0', async () => {
    const first = { data: Float64Array.of(12, 20, 10, 24, 8, 20, 10, 16, 14, 20), rows: 5 };
    const second = { data: Float32Array.of(10, 30), rows: 1, weights: Float32Array.of(0.5) };
    expect(await cut(blocksOf(first, second))).toEqual([
      { data: [1, 0, 0, 2, -1, 0, 0, -2], weights: [1, 1, 1, 1], rows: 4, weight: 4 },
      { data: [2, 0, 0, 5, 0, 0, 0, 0], weights: [1, 0.5, 0, 0], rows: 2, weight: 1.5 },
    ]);
  });

  it('gives nothing for nothing, and no empty block after a full one', async () => {
    expect(await cut(blocksOf())).toEqual([]);
    expect(await cut(blocksOf({ data: new Float64Array(8), rows: 4 }))).toHaveLength(1);
  });

  it('blanks tokens of weight 0, unless they are wanted', async () => {
    const block = { data: Float64Array.of(1e308, -1e308, 12, 22), rows: 2, weights: Float64Array.of(0, 1) };
    expect((await cut(blocksOf(block), { size: 2 }))[0]).toMatchObject({
      data: [0, 0, 1, 1],
      weights: [0, 1],
      weight: 1,
    });
    const [kept] = await cut(blocksOf({ ...block, data: Float64Array.of(14, 26, 12, 22) }), {
      size: 2,
      keepUnweighted: true,
    });
    expect(kept).toMatchObject({ data: [2, 3, 1, 1], weights: [0, 1] });
  });

  it('takes the mean off before it rounds to float32', async () => {
    // 1e6 + 1/64 has no room for its fraction in float32 after the seventh digit; the difference has.
    const block = { data: Float64Array.of(1_000_000.015_625, 20), rows: 1 };
    const [made] = await cut(blocksOf(block), {
      size: 1,
      dtype: 'float32',
      frame: { offset: Float64Array.of(1e6, 20), scale: 1 },
    });
    expect(made!.data).toEqual([0.015_625, 0]);
  });

  it.each([
    [{ data: Float64Array.of(1, 2, 3), rows: 2 }, 'shape', 'takes 4 numbers and 2 weights, but has 3 and none'],
    [{ data: Float64Array.of(1, 2, 3, 4), rows: 2, weights: Float64Array.of(1) }, 'shape', 'but has 4 and 1'],
    [{ data: Float64Array.of(1, 2, 3, NaN), rows: 2 }, 'data', 'Token 4 (counted from 0) holds NaN in component 1'],
    [
      { data: Float64Array.of(1, 2, Infinity, 4), rows: 2 },
      'data',
      'Token 4 (counted from 0) holds Infinity in component 0',
    ],
    [
      { data: Float64Array.of(1, 2, 3, 4), rows: 2, weights: Float64Array.of(1, -2) },
      'data',
      'Token 4 (counted from 0) has the weight -2',
    ],
  ] as const)("refuses what cannot be used, by the token's number in the pass", async (bad, code, text) => {
    const error = await rejection(cut(blocksOf({ data: new Float64Array(6), rows: 3 }, bad)));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });
});

describe('blockRows', () => {
  const capabilities = { maxBufferBytes: 2 ** 30, preferredElements: 2 ** 20 } as Capabilities;
  const rows = (tokens: number, dimension: number, prototypes: number, max = 2 ** 30): number =>
    blockRows({ tokens, dimension, prototypes }, 'float32', { ...capabilities, maxBufferBytes: max });

  it('is a power of two up to 8192 that tokens and cache allow', () => {
    expect(rows(1e6, 4, 8)).toBe(8192);
    expect(rows(1e6, 384, 64)).toBe(2048);
    expect(rows(1e6, 4, 4096)).toBe(256);
    expect(rows(1e6, 4, 100_000)).toBe(256);
    expect(rows(100, 4, 8)).toBe(64);
    expect(rows(1, 4, 8)).toBe(1);
    expect(rows(0, 4, 8)).toBe(1);
  });

  it('follows what the backend prefers', () => {
    const onCard = { maxBufferBytes: 2 ** 32, preferredElements: 2 ** 26 } as Capabilities;
    const rowsOf = (dimension: number, prototypes: number): number =>
      blockRows({ tokens: 1e7, dimension, prototypes }, 'float32', onCard);
    expect(rowsOf(4, 8)).toBe(2 ** 19);
    expect(rowsOf(512, 64)).toBe(2 ** 17);
    expect(rowsOf(512, 8192)).toBe(2 ** 13);
    expect(mostStepRows(8192, onCard)).toBe(2 ** 15);
    // 4,194,304 numbers at most in [rows, width] where caches are small.
    expect(mostStepRows(4096, capabilities)).toBe(1024);
    expect(mostStepRows(4096, { ...capabilities, maxBufferBytes: 8 * 4096 * 300 })).toBe(300);
  });

  it('never exceeds the largest buffer', () => {
    expect(rows(1e6, 8, 4, 8 * 4 * 40)).toBe(32);
    expect(rows(1e6, 4, 8, 8 * 4 * 32)).toBe(32);
    expect(
      blockRows({ tokens: 1e6, dimension: 8, prototypes: 4 }, 'float64', {
        ...capabilities,
        maxBufferBytes: 8 * 4 * 40,
      }),
    ).toBe(16);
    expect(rows(1e6, 8, 4, 1)).toBe(1);
  });
});

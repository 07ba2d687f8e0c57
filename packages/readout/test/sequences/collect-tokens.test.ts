import { createRandom } from '@ddcl/core';
import type { TokenSource } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { collectTokens, type CollectOptions } from '../../src/sequences/collect-tokens.ts';
import { tokenSource } from '../../src/sequences/token-input.ts';
import type { TokenBatch } from '../../src/sequences/token-batch.ts';
import { fromFloat16, toFloat16 } from '@ddcl/core/safetensors';

const random = createRandom(3);
const m = 5;

/** Two texts of 4 places a batch, of which some are padding that is not finite. */
const batches = Array.from({ length: 7 }, (_, index): TokenBatch => {
  const mask = [1, 1, 1, index % 2, 1, 1, 0, 0];
  const data = Float32Array.from({ length: 8 * m }, (__, at) =>
    mask[Math.floor(at / m)] === 0 ? NaN : random.normal(),
  );
  return { data, shape: [2, 4, m], mask };
});
const kept = batches.flatMap(({ data, mask }) =>
  Array.from(data).filter((_, at) => (mask as number[])[Math.floor(at / m)] === 1),
);

async function* once<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

async function numbersOf(source: TokenSource, dimension = m): Promise<number[]> {
  const all: number[] = [];
  for await (const { data, rows } of source.blocks('stored')) all.push(...data.subarray(0, rows * dimension));
  return all;
}

/** A spool in memory that knows how much it was given. */
function memorySpool(): { spool: NonNullable<CollectOptions['spool']>; bytes: Uint8Array; written: number } {
  const state = {
    bytes: new Uint8Array(1 << 16),
    written: 0,
    spool: {
      write: async (bytes: Uint8Array, position: number) => {
        expect(position).toBe(state.written);
        state.bytes.set(bytes, position);
        state.written += bytes.length;
      },
      read: async (into: Uint8Array, position: number) =>
        into.set(state.bytes.subarray(position, position + into.length)),
    },
  };
  return state;
}

describe('tokens of a stream that comes once', () => {
  it('are kept without padding, in their order', async () => {
    const source = await tokenSource(once(batches));
    expect(source.tokens).toBe(kept.length / m);
    expect(await numbersOf(source)).toEqual(kept);
    expect(await numbersOf(source)).toEqual(kept);
    const bare = batches.values();
    expect(await numbersOf(await tokenSource(bare))).toEqual(kept);
  });

  it('go to the spool beyond the memory, and come from both', async () => {
    for (const memory of [0, 3 * m * 4, 7 * m * 4]) {
      const kind = memorySpool();
      const source = await collectTokens(once(batches), { memory, spool: kind.spool });
      expect(kind.written).toBeGreaterThan(0);
      expect(kind.written).toBeGreaterThanOrEqual(kept.length * 4 - 2 * Math.max(memory, m * 4));
      expect(await numbersOf(source), `${memory} bytes`).toEqual(kept);
      const shuffled: number[] = [];
      for await (const { data, rows } of source.blocks({ seed: 1 })) shuffled.push(...data.subarray(0, rows * m));
      expect(shuffled.sort()).toEqual(kept.toSorted());
    }
  });

  it('are rounded to half precision where that is asked for, and given as halves to who takes them', async () => {
    const kind = memorySpool();
    const source = await collectTokens(once(batches), { dtype: 'float16', memory: 20, spool: kind.spool });
    const rounded = Array.from(fromFloat16(toFloat16(Float32Array.from(kept))));
    expect(await numbersOf(source)).toEqual(rounded);
    const halves: number[] = [];
    for await (const { data, rows } of source.halfBlocks!('stored'))
      halves.push(...fromFloat16(data.subarray(0, rows * m)));
    expect(halves).toEqual(rounded);
  });

  it('may be near 0 among larger ones: half precision is asked of a batch, however its tokens lie', async () => {
    const data = Float32Array.of(0, 0, 9, 9, 1e-6, -1e-6, 9, 9, 1, 2);
    const mask = [1, 0, 1, 0, 1];
    const source = await collectTokens(once([{ data, shape: [1, 5, 2], mask }]), { dtype: 'float16' });
    const near = (value: number): number => Math.round(value * 2 ** 24) / 2 ** 24;
    expect(await numbersOf(source, 2)).toEqual([0, 0, near(1e-6), near(-1e-6), 1, 2]);
    const small = { data: data.subarray(0, 8), shape: [1, 4, 2], mask: mask.slice(0, 4) };
    await expect(collectTokens(once([small]), { dtype: 'float16' })).rejects.toThrow(
      /^Batch 0 .* is the largest, and float16 loses what lies below 0\.000061\. Leave collect\.dtype out\.$/,
    );
  });

  it('keep their weights', async () => {
    const weighted = { ...batches[1]!, weights: [1, 2, 0, 3, 4, 5, 9, 9] };
    const source = await collectTokens(once([batches[0]!, weighted, batches[2]!]));
    const weights: number[] = [];
    for await (const block of source.blocks('stored')) weights.push(...block.weights!.subarray(0, block.rows));
    expect(weights).toEqual([1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 1, 1, 1, 1, 1]);
  });

  it.each<[string, readonly TokenBatch[], CollectOptions, string, string]>([
    [
      'more than memory',
      batches,
      { memory: 3 * m * 4 },
      'limit',
      "The 6 tokens so far take more than the 60 bytes of collect.memory. Allow more, halve them with collect.dtype 'float16', give a collect.spool, or a function that opens the stream anew for each pass.",
    ],
    [
      'numbers beyond half precision',
      [{ data: Float32Array.of(1, 70000), shape: [1, 2] }],
      { dtype: 'float16' },
      'data',
      'Batch 0 (counted from 0): the number 70000 is not in float16, whose largest is 65504. Leave collect.dtype out.',
    ],
    [
      'numbers that half precision loses',
      [{ data: Float64Array.of(1e-6, -2e-6), shape: [1, 2] }],
      { dtype: 'float16' },
      'data',
      'Batch 0 (counted from 0): the number -0.000002 is the largest, and float16 loses what lies below 0.000061. Leave collect.dtype out.',
    ],
    ['no batch', [], {}, 'data', 'There is no batch of tokens to fit. Give at least one.'],
    [
      'another dtype',
      batches,
      { dtype: 'int8' as never },
      'argument',
      "collect.dtype must be 'float16' or left out, but is 'int8'.",
    ],
    ['memory below 0', batches, { memory: -1 }, 'argument', 'collect.memory must be bytes >= 0, but is -1.'],
  ])('refuse %s', async (_, list, options, code, message) => {
    await expect(collectTokens(once(list), options)).rejects.toMatchObject({ code, message });
  });

  it('must be tokens', async () => {
    await expect(tokenSource(undefined as never)).rejects.toMatchObject({
      code: 'argument',
      message:
        'Tokens are a batch { data, shape }, a list or a stream of batches, or a function that opens a stream, but came as a undefined.',
    });
  });
});

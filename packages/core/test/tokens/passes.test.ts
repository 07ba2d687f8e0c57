import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/random/random.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromIterable } from '../../src/tokens/from-iterable.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { poolRows, shufflePools } from '../../src/tokens/shuffle-pool.ts';
import type { PassOrder, TokenBlock, TokenSource } from '../../src/tokens/token-source.ts';

const dimension = 2;
/** Token n is [n, -n], its weight n / 10. */
const numbered = (tokens: number): Float64Array =>
  Float64Array.from({ length: tokens * dimension }, (_, i) => (i % 2 ? -1 : 1) * Math.floor(i / 2));
const weightsOf = (tokens: number): Float64Array => Float64Array.from({ length: tokens }, (_, n) => n / 10);

/** The numbers of the tokens of a pass, checked to be whole tokens with their own weights. */
async function pass(source: TokenSource, order: PassOrder, weighted: boolean): Promise<number[]> {
  const seen: number[] = [];
  for await (const { data, rows, weights } of source.blocks(order)) {
    expect(rows).toBeGreaterThan(0);
    expect(data.length).toBe(rows * dimension);
    expect(weights?.length).toBe(weighted ? rows : undefined);
    for (let row = 0; row < rows; row++) {
      const n = data[row * dimension]!;
      // Not by expect, which takes a while for 200,000 tokens.
      if (data[row * dimension + 1] !== -n || (weights !== undefined && weights[row] !== n / 10))
        throw new Error(`token ${n} was torn`);
      seen.push(n);
    }
  }
  return seen;
}

const inBlocks = (tokens: number, size: (start: number) => number, weights?: Float64Array) =>
  async function* (): AsyncGenerator<TokenBlock> {
    const data = numbered(tokens);
    for (let start = 0, rows = 0; start < tokens; start += rows) {
      rows = Math.min(tokens - start, size(start));
      const block = { data: data.subarray(start * dimension, (start + rows) * dimension), rows };
      yield weights === undefined ? block : { ...block, weights: weights.subarray(start, start + rows) };
    }
  };

const sources: Record<string, (tokens: number, weighted: boolean) => TokenSource> = {
  'from an array': (tokens, weighted) =>
    tokensFromReader(tokensFromArray(numbered(tokens), dimension, weighted ? weightsOf(tokens) : undefined)),
  'from a stream': (tokens, weighted) =>
    tokensFromIterable({
      dimension,
      open: inBlocks(tokens, (start) => 1 + (start % 13), weighted ? weightsOf(tokens) : undefined),
    }),
};

const ascending = (tokens: number): number[] => Array.from({ length: tokens }, (_, n) => n);
const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

describe.each(Object.entries(sources))('tokens %s', (_, make) => {
  it.each([1, 2, 33, 1000])('%i of them come in stored order, or each once in shuffled order', async (tokens) => {
    for (const weighted of [false, true]) {
      const source = make(tokens, weighted);
      expect(await pass(source, 'stored', weighted)).toEqual(ascending(tokens));
      const shuffled = await pass(source, { seed: 1 }, weighted);
      expect(sorted(shuffled)).toEqual(ascending(tokens));
      if (tokens > 2) expect(shuffled).not.toEqual(ascending(tokens));
    }
  });

  it('are shuffled the same way for the same seed, another way for another', async () => {
    const source = make(200, false);
    const first = await pass(source, { seed: 5 }, false);
    expect(await pass(source, { seed: 5 }, false)).toEqual(first);
    expect(await pass(source, { seed: 6 }, false)).not.toEqual(first);
  });

  it('none give no block', async () => {
    expect(await pass(make(0, false), 'stored', false)).toEqual([]);
    expect(await pass(make(0, false), { seed: 1 }, false)).toEqual([]);
  });
});

describe('sorted tokens', () => {
  it('are mixed over the whole, also when a pool does not hold them all', async () => {
    // A pool holds 65,536 tokens of two components; there are 200,000, so three pools and a rest.
    const tokens = 200_000;
    expect(poolRows(dimension)).toBe(65_536);
    const shuffled = await pass(sources['from an array']!(tokens, false), { seed: 3 }, false);
    expect(new Set(shuffled).size).toBe(tokens);
    // Each batch of 4,096 is like the whole: uniform numbers have the mean 1/2 and the deviation 0.289, so a batch's mean is within 0.0045.
    // Pools of 32 chunks are coarser: chunks are 1/98 of the whole, and the mean of 32 random ones is within 0.289 / sqrt(32) = 0.05.
    for (let start = 0; start + 4096 <= tokens; start += 4096) {
      const batch = shuffled.slice(start, start + 4096);
      const mean = batch.reduce((a, b) => a + b) / 4096 / tokens;
      expect(Math.abs(mean - 0.5)).toBeLessThan(5 * 0.05);
      expect(Math.min(...batch)).toBeLessThan(0.2 * tokens);
      expect(Math.max(...batch)).toBeGreaterThan(0.8 * tokens);
    }
  });

  it('of a stream are mixed among neighbours only, in pools of bounded size', async () => {
    const blocks = shufflePools(inBlocks(1000, () => 7)(), dimension, 100, createRandom(1));
    const sizes: number[] = [];
    let first = 0;
    for await (const { data, rows } of blocks) {
      sizes.push(rows);
      const numbers = Array.from({ length: rows }, (_, row) => data[row * dimension]!);
      expect(sorted(numbers)).toEqual(ascending(rows).map((n) => n + first));
      first += rows;
    }
    expect(sizes).toEqual(Array.from({ length: 10 }, () => 100));
  });

  it('of wide tokens come in several blocks, each token whole and with its weight', async () => {
    const [wide, tokens] = [1 << 15, 40];
    async function* stream(): AsyncGenerator<TokenBlock> {
      for (let n = 0; n < tokens; n++)
        yield { data: new Float32Array(wide).fill(n), rows: 1, weights: Float64Array.of(n / 10) };
    }
    const seen: number[] = [];
    const sizes: number[] = [];
    for await (const { data, rows, weights } of shufflePools(stream(), wide, 20, createRandom(2))) {
      sizes.push(rows);
      for (let row = 0; row < rows; row++) {
        const n = data[row * wide]!;
        expect(data.subarray(row * wide, (row + 1) * wide).every((value) => value === n)).toBe(true);
        expect(weights![row]).toBe(n / 10);
        seen.push(n);
      }
    }
    expect(sizes).toEqual([8, 8, 4, 8, 8, 4]);
    expect(sorted(seen.slice(0, 20))).toEqual(ascending(20));
    expect(sorted(seen)).toEqual(ascending(tokens));
    expect(seen.slice(0, 20)).not.toEqual(ascending(20));
  });

  it('are shuffled the same way however the stream is cut', async () => {
    const shuffled = async (size: (start: number) => number): Promise<number[]> => {
      const numbers: number[] = [];
      for await (const { data, rows } of shufflePools(inBlocks(500, size)(), dimension, 128, createRandom(4))) {
        for (let row = 0; row < rows; row++) numbers.push(data[row * dimension]!);
      }
      return numbers;
    };
    expect(await shuffled(() => 500)).toEqual(await shuffled((start) => 1 + (start % 5)));
  });

  it('every place is as likely as any other', async () => {
    // 8 tokens, 4,000 seeds: each token is first 500 times, standard deviation 21; five of them.
    const source = sources['from an array']!(8, false);
    const hits = new Float64Array(8);
    for (let seed = 0; seed < 4000; seed++) {
      for await (const { data } of source.blocks({ seed })) {
        hits[data[0]!]!++;
        break;
      }
    }
    for (const hit of hits) expect(Math.abs(hit - 500)).toBeLessThan(105);
  });
});

describe('float32 blocks', () => {
  it('stay float32, weights and all', async () => {
    const reader = tokensFromArray(Float32Array.from(numbered(20)), dimension, Float32Array.from(weightsOf(20)));
    for await (const { data } of tokensFromReader(reader).blocks({ seed: 1 }))
      expect(data).toBeInstanceOf(Float32Array);
  });
});

import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backend/contract.ts';
import { toFloat16 } from '../../src/numbers/float16.ts';
import { residentBytes, residentTokens, type ResidentOptions } from '../../src/pass/resident-tokens.ts';
import { tokenProgram } from '../../src/pass/token-program.ts';
import { mul } from '../../src/program/ops/elementwise.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { createRandom } from '../../src/random/random.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromIterable } from '../../src/tokens/from-iterable.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { tokenFeed, type TokenFeed } from '../../src/tokens/token-feed.ts';
import { rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';

const [n, m, rows] = [23, 2, 4];
/** Token n holds n and -n, and weighs n + 1, but those of weight 0. */
const data = Float64Array.from({ length: n * m }, (_, index) => (index % 2 === 0 ? index / 2 : -(index - 1) / 2));
const weights = Float64Array.from({ length: n }, (_, token) => (token % 6 === 5 ? 0 : token + 1));
const still = { offset: new Float64Array(m), scale: 1 };
const usual: ResidentOptions = { tokens: n, dimension: m, rows, dtype: 'float64' };

const feeds: Record<string, (backend: Backend) => TokenFeed> = {
  float64: (backend) => tokenFeed(backend, tokensFromReader(tokensFromArray(data, m, weights)), still, 'float64'),
  'half precision': (backend) =>
    tokenFeed(
      backend,
      {
        ...tokensFromReader(tokensFromArray(data, m, weights)),
        async *halfBlocks() {
          yield { data: toFloat16(data), rows: n, weights };
        },
      },
      still,
      'float32',
    ),
};

/** Sum of a z_0, and of each token its first component and its weight. */
const program = tokenProgram('look', [], (z, a) => {
  const first = sum(mul(z, 1), [1]);
  return { sums: [sum(a), sum(mul(a, sum(mul(z, z), [1])))], perToken: [sum(mul(z, z), [1]), a, first] };
});

describe.each(Object.entries(feeds))('tokens on the device, %s', (name, feedOf) => {
  const dtype = name === 'float64' ? 'float64' : 'float32';

  it.each([
    [4, 'stored order'],
    [4, 'random order'],
    [23, 'random order'],
    [40, 'random order'],
    [1, 'random order'],
  ] as const)('are each there once with their weights, in blocks of %i in %s', async (size, order) => {
    const backend = strictBackend();
    const random = order === 'random order' ? createRandom(3) : undefined;
    const resident = await residentTokens(backend, feedOf(backend), { ...usual, rows: size, dtype, random });
    expect(resident.blocks.map((block) => [block.first, block.rows])).toEqual(
      Array.from({ length: Math.ceil(n / size) }, (_, index) => [index * size, Math.min(size, n - index * size)]),
    );
    const [squares, own, weightSums]: [number[], number[], number[]] = [[], [], []];
    const pass = await resident.compile(program);
    for (let round = 0; round < 2; round++) {
      const totals = await pass.sum([], {
        onRows: (found, weight) => {
          squares.push(...(found as Float64Array));
          own.push(...(weight as Float64Array));
          weightSums.push(found!.length);
        },
      });
      expect(totals.tokens).toBe(n);
      expect(totals.weight).toBe(weights.reduce((a, b) => a + b));
      expect(totals.sums[0]![0]).toBe(totals.weight);
      // Whole numbers, which float32 and half precision hold.
      expect(totals.sums[1]![0]).toBe(weights.reduce((all, weight, token) => all + weight * 2 * token ** 2, 0));
    }
    const places = squares.slice(0, n);
    expect(squares.slice(n)).toEqual(places);
    if (order === 'random order') expect(places).not.toEqual(places.toSorted((a, b) => a - b));
    // Each with its own weight; one of weight 0 may be given as zeros.
    const pairs = resident.inStoredOrder(Float64Array.from(places));
    expect([...resident.inStoredOrder(Float64Array.from(own.slice(0, n)))]).toEqual([...weights]);
    pairs.forEach((square, token) => {
      if (weights[token] !== 0) expect(square).toBe(2 * token ** 2);
    });
    // The host's weights are those of the device.
    expect(resident.blocks.flatMap((block) => [...block.tokenWeights])).toEqual(own.slice(0, n));
    expect(resident.blocks.map((block) => block.weight)).toEqual(
      resident.blocks.map((block) => [...block.tokenWeights].reduce((a, b) => a + b)),
    );
    resident.dispose();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    expect(backend.log.alive.size).toBe(0);
  });

  it('lie in the order of the seed', async () => {
    const orderOf = async (seed: number): Promise<number[]> => {
      const backend = strictBackend();
      const resident = await residentTokens(backend, feedOf(backend), { ...usual, dtype, random: createRandom(seed) });
      return resident.blocks.flatMap((block) => [...block.tokenWeights]);
    };
    expect(await orderOf(1)).toEqual(await orderOf(1));
    expect(await orderOf(1)).not.toEqual(await orderOf(2));
  });

  it.each([undefined, 3])('leave nothing behind when an upload fails, whichever it is (seed %s)', async (seed) => {
    const random = () => (seed === undefined ? undefined : createRandom(seed));
    let uploads = 0;
    let failing = Infinity;
    const backend = strictBackend();
    const failingBackend: Backend = {
      ...backend,
      upload(type, numbers) {
        if (++uploads === failing) throw new Error('no room left');
        return backend.upload(type, numbers);
      },
    };
    const resident = await residentTokens(failingBackend, feedOf(failingBackend), {
      ...usual,
      dtype,
      random: random(),
    });
    resident.dispose();
    const all = uploads;
    expect(all).toBeGreaterThanOrEqual(2 * Math.ceil(n / rows));
    for (failing = 1; failing <= all; failing++) {
      uploads = 0;
      const made = residentTokens(failingBackend, feedOf(failingBackend), { ...usual, dtype, random: random() });
      await expect(made, `upload ${failing}`).rejects.toThrow('no room left');
      expect(backend.memory(), `upload ${failing}`).toEqual({ buffers: 0, bytes: 0 });
    }
  });
});

describe('a source', () => {
  const given = (count: number) =>
    tokensFromIterable({
      dimension: m,
      async *open() {
        for (let token = 0; token < count; token++) yield { data: data.subarray(token * m, (token + 1) * m), rows: 1 };
      },
    });

  it.each([
    ['fewer', 22, undefined],
    ['fewer', 22, 3],
    ['more', 23, undefined],
    ['more', 23, 3],
  ] as const)('that gives %s tokens than before is refused (%i, seed %s)', async (which, count, seed) => {
    const backend = strictBackend();
    const feed = tokenFeed(backend, given(count), still, 'float64');
    const random = seed === undefined ? undefined : createRandom(seed);
    const tokens = which === 'fewer' ? count + 1 : count - 1;
    const error = await rejection(residentTokens(backend, feed, { ...usual, tokens, random }));
    expect(error.code).toBe('data');
    expect(error.message).toContain(`gave ${which} than the ${tokens} of the first one`);
    expect(backend.memory().buffers).toBe(0);
  });

  it.each([undefined, 3])('whose reading is aborted in the middle leaves nothing behind (seed %s)', async (seed) => {
    const backend = strictBackend();
    const controller = new AbortController();
    const reason = new Error('enough');
    let read = 0;
    const source = tokensFromIterable({
      dimension: m,
      async *open() {
        for (let token = 0; token < n; token++) {
          if (++read === 10) controller.abort(reason);
          yield { data: data.subarray(token * m, (token + 1) * m), rows: 1 };
        }
      },
    });
    const random = seed === undefined ? undefined : createRandom(seed);
    const options = { ...usual, random, signal: controller.signal };
    const error = await rejection(residentTokens(backend, tokenFeed(backend, source, still, 'float64'), options));
    expect(error).toMatchObject({ code: 'aborted', cause: reason });
    // At the next block.
    expect(read).toBeLessThan(10 + 2 * rows);
    expect(backend.memory().buffers).toBe(0);
  });
});

it('residentBytes counts tokens and weights', async () => {
  for (const [name, feedOf] of Object.entries(feeds)) {
    const backend = strictBackend();
    const dtype = name === 'float64' ? 'float64' : 'float32';
    const feed = feedOf(backend);
    const resident = await residentTokens(backend, feed, { ...usual, rows: n, dtype });
    const frame = feed.dtype === 'float16' ? 4 * (m + 1) : 0;
    expect(backend.memory().bytes - frame).toBe(residentBytes(n, m, feed.dtype, dtype));
    resident.dispose();
  }
});

import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backend/contract.ts';
import { encodeTokens } from '../../src/encode/encode-tokens.ts';
import { kMeans, type KMeansOptions } from '../../src/k-means/k-means.ts';
import { fromFloat16, toFloat16 } from '../../src/numbers/float16.ts';
import { createRandom } from '../../src/random/random.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromFloat16 } from '../../src/tokens/from-float16.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { rowsOf, squaredDistance } from '../support/oracle.ts';
import { rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';

const [n, m, K] = [90, 2, 4];
const random = createRandom(5);
const centres = Float64Array.from({ length: 6 * m }, () => 6 * random.normal());
const data = Float64Array.from(
  { length: n * m },
  (_, i) => 50 + centres[(Math.floor(i / m) % 6) * m + (i % m)]! + random.normal(),
);
const weights = Float64Array.from({ length: n }, (_, token) => (token % 8 === 3 ? 0 : 1 + (token % 3)));
const sourceOf = (tokens: Float64Array, own?: Float64Array) => tokensFromReader(tokensFromArray(tokens, m, own));
const source = sourceOf(data, weights);
/** The first tokens. */
const start = data.slice(0, K * m);

/** Lloyd's algorithm in float64 with the rules of `kMeans` for empty cells and the end. */
function lloyd(tokens: number[][], own: readonly number[], from: number[][], tolerance: number, iterations = 100) {
  let centroids = from;
  let before = Infinity;
  const total = own.reduce((a, b) => a + b);
  const nearest = (z: number[], among: number[][]): [index: number, distance: number] => {
    const distances = among.map((c) => squaredDistance(z, c));
    const least = Math.min(...distances);
    return [distances.indexOf(least), least];
  };
  for (let iteration = 0; ; iteration++) {
    const codes = tokens.map((z) => nearest(z, centroids));
    const error = codes.reduce((sum, [, distance], token) => sum + own[token]! * distance, 0) / total;
    if (iteration === iterations) return { centroids, error, iteration };
    const cells = centroids.map((_, k) =>
      [...tokens.keys()].filter((token) => codes[token]![0] === k && own[token]! > 0),
    );
    const mean = (cell: number[], axis: number): number =>
      cell.reduce((sum, token) => sum + own[token]! * tokens[token]![axis]!, 0) /
      cell.reduce((sum, token) => sum + own[token]!, 0);
    const moved = centroids.map((c, k) => (cells[k]!.length === 0 ? c : c.map((_, axis) => mean(cells[k]!, axis))));
    const there = moved.filter((_, k) => cells[k]!.length > 0);
    let reseeded = 0;
    cells.forEach((cell, k) => {
      if (cell.length > 0) return;
      const costs = tokens.map((z, token) => own[token]! * nearest(z, there)[1]);
      moved[k] = tokens[costs.indexOf(Math.max(...costs))]!;
      there.push(moved[k]!);
      reseeded++;
    });
    if (reseeded === 0 && error >= before * (1 - tolerance)) return { centroids, error, iteration };
    before = error;
    centroids = moved;
  }
}

const run = (options: Partial<KMeansOptions> = {}, of = source) =>
  kMeans(strictBackend(), of, { count: K, dtype: 'float64', ...options });

describe('kMeans', () => {
  it.each([
    ['until the error stays', {}, start],
    ['for a few iterations', { iterations: 2 }, start],
    ['with an empty cell that is seeded anew', {}, Float64Array.from([...start.subarray(0, 2 * m), 1e3, 1e3, -1e3, 0])],
  ] as const)('is Lloyd in float64, %s', async (_, options, from) => {
    const wanted = lloyd(rowsOf(data, m), [...weights], rowsOf(from, m), 0, 'iterations' in options ? 2 : 100);
    const backend = strictBackend();
    const { model, meanSquaredDistance, iterations, restartErrors } = await kMeans(backend, source, {
      count: K,
      dtype: 'float64',
      tolerance: 0,
      start: from,
      ...options,
    });
    expect(iterations).toBe(wanted.iteration);
    // Distances of numbers of order 10 in units of the frame, in float64.
    expect(meanSquaredDistance).toBeCloseTo(wanted.error, 10);
    expect([...model.prototypes]).toEqual(wanted.centroids.flat().map((value) => expect.closeTo(value, 10)));
    expect(restartErrors).toEqual([meanSquaredDistance]);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('measures per unit of weight, in the units of the tokens squared', async () => {
    const { meanSquaredDistance } = await run({ start });
    const tenfold = await run(
      { start: start.map((x) => 10 * x) },
      sourceOf(
        data.map((x) => 10 * x),
        weights,
      ),
    );
    expect(tenfold.meanSquaredDistance / meanSquaredDistance).toBeCloseTo(100, 9);
    const heavier = await run(
      { start },
      sourceOf(
        data,
        weights.map((weight) => 5 * weight),
      ),
    );
    expect(heavier.meanSquaredDistance).toBeCloseTo(meanSquaredDistance, 10);
  });

  it('takes a token of weight 3 for three tokens, and one of weight 0 for none', async () => {
    const copies = [...weights.keys()].flatMap((token) => Array<number>(weights[token]!).fill(token));
    const repeated = Float64Array.from(copies.flatMap((token) => [...data.subarray(token * m, (token + 1) * m)]));
    const [weighted, plain] = [await run({ start }), await run({ start }, sourceOf(repeated))];
    expect([...weighted.model.prototypes]).toEqual([...plain.model.prototypes].map((x) => expect.closeTo(x, 9)));
    const spoilt = data.map((x, i) => (weights[Math.floor(i / m)] === 0 ? 1e4 : x));
    expect((await run({}, sourceOf(spoilt, weights))).model.prototypes).toEqual((await run()).model.prototypes);
  });

  it('keeps the best of its restarts, the same for the same seed', async () => {
    const seen: number[] = [];
    const options = { restarts: 4, seed: 3, start: 'tokens' } as const;
    const best = await run({ ...options, onProgress: ({ restart }) => seen.push(restart) });
    expect(new Set(best.restartErrors).size).toBeGreaterThan(1);
    expect(best.restartErrors).toHaveLength(4);
    expect(best.meanSquaredDistance).toBe(Math.min(...best.restartErrors));
    expect(new Set(seen)).toEqual(new Set([0, 1, 2, 3]));
    expect(await run(options)).toEqual(best);
    expect((await run({ ...options, seed: 4 })).restartErrors).not.toEqual(best.restartErrors);
  });

  it('gives a model whose assignments are hard', async () => {
    const { model } = await run();
    for await (const { data: q } of encodeTokens(strictBackend(), model, source, 'assignments'))
      for (const share of q) expect(Math.min(share, 1 - share)).toBeLessThan(1e-9);
  });

  it('takes tokens in half precision, in float32', async () => {
    const bits = toFloat16(Float32Array.from(data));
    const backend = strictBackend();
    const halves: Backend = {
      ...backend,
      capabilities: { ...backend.capabilities, dtypes: [...backend.capabilities.dtypes, 'float16'] },
    };
    const options = { count: K, start } as const;
    const half = await kMeans(halves, tokensFromReader(tokensFromFloat16(bits, m)), options);
    const numbers = await kMeans(strictBackend(), sourceOf(Float64Array.from(fromFloat16(bits))), options);
    // Framed on the device, in float32.
    expect(half.meanSquaredDistance / numbers.meanSquaredDistance).toBeCloseTo(1, 5);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it.each([
    [{ count: 0 }, 'argument', 'count'],
    [{ iterations: 0 }, 'argument', 'iterations'],
    [{ restarts: 0.5 }, 'argument', 'restarts'],
    [{ restarts: 2, start }, 'argument', 'end alike'],
    [{ count: 200 }, 'data', 'distinct tokens'],
    [{ signal: AbortSignal.abort() }, 'aborted', 'stopped'],
  ] as const)('refuses %o', async (options, code, text) => {
    const error = await rejection(run(options));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });

  it('names a token that is not finite, and stops in the middle', async () => {
    expect(await rejection(run({}, sourceOf(data.with(9, NaN))))).toMatchObject({
      code: 'data',
      message: expect.stringContaining('Token 4 (counted from 0) holds NaN'),
    });
    const controller = new AbortController();
    const backend = strictBackend();
    const stopped = kMeans(backend, source, {
      count: K,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    expect((await rejection(stopped)).code).toBe('aborted');
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});

import type { Backend } from '@ddcl/core/backend';
import { createRandom } from '@ddcl/core';
import { cpuBackend } from '@ddcl/backend-cpu';
import { describe, expect, it } from 'vitest';
import { compressTokens } from '../../src/compress/compress-tokens.ts';
import { withContext } from '../../src/compress/with-context.ts';
import { lossMap } from '../../src/compress/loss-map.ts';

const backend = cpuBackend();
const width = 6;
/** Without where tokens stand. */
const plain = { context: { reach: 0, weight: 0 } };
/** Tokens around five directions. */
function crowds(count: number): Float32Array {
  const random = createRandom(2);
  const tokens = new Float32Array(count * width);
  for (let row = 0; row < count; row++)
    for (let axis = 0; axis < width; axis++)
      tokens[row * width + axis] = 3 * ((axis === row % 5 ? 1 : 0) + 0.03 * random.normal());
  return tokens;
}

describe('compressed tokens', () => {
  it('are the mean direction of each crowd, and what was lost is the distance to it', async () => {
    const tokens = crowds(200);
    const { vectors, shape, cells, lost, meanLost } = await compressTokens(backend, tokens, width, 5, plain);
    expect(shape).toEqual([5, width]);
    // In the order of their first tokens.
    expect([...cells]).toEqual(Array.from({ length: 200 }, (_, row) => row % 5));
    for (let cell = 0; cell < 5; cell++) {
      const mean = new Float64Array(width);
      for (let row = cell; row < 200; row += 5) {
        const token = Array.from(tokens.subarray(row * width, (row + 1) * width));
        const length = Math.hypot(...token);
        token.forEach((value, axis) => (mean[axis]! += value / length));
      }
      const length = Math.hypot(...mean);
      mean.forEach((value, axis) => expect(vectors[cell * width + axis]).toBeCloseTo(value / length, 6));
    }
    for (let row = 0; row < 200; row++) {
      const token = Array.from(tokens.subarray(row * width, (row + 1) * width));
      const cosine =
        token.reduce((sum, value, axis) => sum + value * vectors[cells[row]! * width + axis]!, 0) /
        Math.hypot(...token);
      expect(lost[row]).toBeCloseTo(2 - 2 * cosine, 6);
    }
    expect(meanLost).toBeCloseTo(lost.reduce((sum, value) => sum + value, 0) / 200, 12);
    expect(await compressTokens(backend, tokens, width, 5, plain)).toMatchObject({ vectors, cells });
  });

  it('lose less with more vectors, and nothing where there are enough', async () => {
    const tokens = crowds(60);
    const errors: number[] = [];
    for (const budget of [1, 2, 4, 16])
      errors.push((await compressTokens(backend, tokens, width, budget, plain)).meanLost);
    expect(errors).toEqual([...errors].sort((a, b) => b - a));
    const few = Float32Array.of(3, 0, 0, 2, 3, 0);
    const kept = await compressTokens(backend, few, 2, 2);
    expect([...kept.vectors]).toEqual([1, 0, 0, 1]);
    expect([...kept.cells]).toEqual([0, 1, 0]);
    expect(kept.meanLost).toBe(0);
    expect(await compressTokens(backend, few, 2, 9, { normalize: false })).toMatchObject({
      vectors: few.subarray(0, 4),
      meanLost: 0,
    });
    expect(await compressTokens(backend, new Float32Array(0), 2, 9)).toMatchObject({ shape: [0, 2], meanLost: 0 });
  });

  it('are of one part of the text each, where context counts', async () => {
    // Two meanings in turn, and of both a first and a second half that lie close.
    const tokens = new Float32Array(80 * 4);
    for (let row = 0; row < 80; row++) {
      tokens[row * 4 + (row % 2)] = 1;
      tokens[row * 4 + (row < 40 ? 2 : 3)] = 0.3 + 0.01 * (row % 7);
    }
    const half = (row: number): number => (row < 40 ? 0 : 1);
    const apart = await compressTokens(backend, tokens, 4, 2, { context: { reach: 8, weight: 3 } });
    expect([...apart.cells]).toEqual(Array.from({ length: 80 }, (_, row) => half(row)));
    const together = await compressTokens(backend, tokens, 4, 2, plain);
    expect([...together.cells]).toEqual(Array.from({ length: 80 }, (_, row) => row % 2));
    expect(apart.meanLost).toBeGreaterThan(together.meanLost);
    // By hand: the window of the middle one sums to (1, 2).
    const window = withContext(Float32Array.of(1, 0, 0, 1, 0, 1), 2, { reach: 1, weight: 5 });
    expect([...window.subarray(2, 4)].map((value) => Number(value.toFixed(5)))).toEqual([2.23607, 5.47214]);
    expect([...window.subarray(4)]).toEqual([0, 6]);
  });

  it('stop when the signal fires, up to the last round', async () => {
    const tokens = crowds(60);
    const controller = new AbortController();
    let runs = 0;
    let last = Infinity;
    /** Fires when the last run begins. */
    const counted: Backend = {
      ...backend,
      async compile(program) {
        const executable = await backend.compile(program);
        return {
          ...executable,
          run(inputs, options) {
            if (++runs === last) controller.abort();
            return executable.run(inputs, options);
          },
        };
      },
    };
    const few = compressTokens(backend, tokens, width, 100, { signal: AbortSignal.abort() });
    await expect(few).rejects.toThrow(expect.objectContaining({ code: 'aborted' }));
    await compressTokens(counted, tokens, width, 3);
    [last, runs] = [runs, 0];
    const late = compressTokens(counted, tokens, width, 3, { signal: controller.signal });
    await expect(late).rejects.toThrow(expect.objectContaining({ code: 'aborted' }));
    expect(runs).toBe(last);
    expect(last).toBeGreaterThan(2);
  });

  it.each<readonly [what: () => Promise<unknown>, message: string]>([
    [
      () => compressTokens(backend, new Float32Array(2), 2, 1, { context: { reach: 1, weight: -1 } }),
      'context.weight must be a number >= 0, but is -1.',
    ],
    [() => compressTokens(backend, new Float32Array(2), 2, 0), 'The budget must be a whole number >= 1, but is 0.'],
    [() => compressTokens(backend, new Float32Array(3), 2, 1), 'Tokens are rows of m = 2 numbers, but 3 numbers came.'],
    [
      () => compressTokens(backend, Float32Array.of(1, 2, NaN, 4), 2, 1),
      'Tokens must be finite, but token 1 (counted from 0) has NaN.',
    ],
  ])('bad input, case %#', async (what, message) => {
    await expect(what()).rejects.toThrow(expect.objectContaining({ message }));
  });
});

describe('the map of what was lost', () => {
  const text = 'one <two> three & four';
  const spans = [
    { start: 0, end: 3 },
    { start: 4, end: 9 },
    { start: 10, end: 15 },
    { start: 18, end: 22 },
  ];
  it('has the whole text, darker where more was lost, and no script', () => {
    const page = lossMap(text, spans, [0, 0.5, 0.52, 1], { title: '<b>', most: 1 });
    const body = /<section class="text">(.*)<\/section>/s.exec(page)![1]!;
    expect(body).toBe('one <span class="l5">&lt;two&gt; three</span> &amp; <span class="l9">four</span>');
    const heights = [...page.matchAll(/height="([\d.]+)"\/>/g)].map(([, height]) => Number(height));
    expect(heights).toEqual([0, 60, 62.4, 120]);
    expect(page).not.toMatch(/<script|<b>/);
    expect(page).toContain('4 tokens; mean loss 0.5050, full colour from 1.0000.');
  });
  it('can be drawn where nothing was lost, and of nothing', () => {
    expect(lossMap(text, spans, [0, 0, 0, 0])).toContain('one &lt;two&gt; three &amp; four</section>');
    expect(lossMap('', [], [])).toContain('0 tokens');
  });
  it.each<readonly [what: () => unknown, message: string]>([
    [() => lossMap(text, spans, [1]), '4 tokens need as many losses, but 1 came.'],
    [
      () => lossMap(text, [spans[1]!, spans[0]!], [1, 1]),
      "Spans must ascend within the text's 22 characters, but token 1 (counted from 0) has 0 to 3.",
    ],
    [() => lossMap(text, spans, [1, -1, 0, 0]), 'Losses must be finite and >= 0, but token 1 (counted from 0) has -1.'],
    [() => lossMap(text, [], [], { most: -1 }), 'most must be a number >= 0, but is -1.'],
  ])('bad input, case %#', (what, message) => {
    expect(what).toThrow(expect.objectContaining({ message }));
  });
});

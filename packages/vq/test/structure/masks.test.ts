import { cpuBackend } from '@ddcl/backend-cpu';
import { describe, expect, it } from 'vitest';
import { encodeCodes, initialize, quantize, update, type QuantizerSpec, type QuantizerState } from '../../src/index.ts';
import { kinds, normals, sourceOf, specOf } from '../kinds.ts';

const [count, m] = [40, 4];
const data = normals(count * m, 81);
const backend = cpuBackend();
const weights = Float32Array.from({ length: count }, (_, row) => (row % 4 === 1 ? 0 : 1));

/** The same latents, with other numbers where the weight is 0. */
function withPadding(value: (index: number) => number): Float32Array {
  return data.map((x, index) => (weights[Math.floor(index / m)] === 0 ? value(index) : x));
}

/** Largest difference of all tensors. */
function difference(a: QuantizerState, b: QuantizerState): number {
  return Math.max(
    0,
    ...Object.entries(a.tensors).flatMap(([name, values]) =>
      Array.from(values, (value, index) => Math.abs(value - b.tensors[name]![index]!)),
    ),
  );
}

describe.each(kinds)('%s', (kind) => {
  const isRounding = kind === 'fsq' || kind === 'lfq';
  const revival = kind === 'ema' || kind === 'vq' ? { reviveBelow: 0.3 } : {};
  const own: Readonly<Record<string, Partial<QuantizerSpec>>> = {
    residual: { depth: 2 },
    'heads that share, residual with one codebook': { heads: 2, sharedHeads: true, depth: 2, sharedDepth: true },
    // Kinds that round have their own width here.
    'normed and projected': { norm: 'scale', ...(!isRounding && { codeDimension: 2 }) },
  };

  it.each(Object.entries(own))('does not see padding, %s', async (_, extra) => {
    const spec = specOf(kind, { ...extra, ...revival });
    const state = await initialize(backend, spec, sourceOf(data, m, weights));
    const shape = [count, m];
    const all = await quantize(backend, state, { data, shape });
    // A mask of ones is no mask.
    const ones = await quantize(backend, state, { data, shape, weights: new Uint8Array(count).fill(1) });
    expect(ones).toEqual(all);
    expect(await update(backend, state, { data, shape, weights: new Uint8Array(count).fill(1) })).toEqual(
      await update(backend, state, { data, shape }),
    );
    // What stands in padding does not matter, be it huge or not a number.
    const [zeros, huge] = [withPadding(() => 0), withPadding((index) => (index % 2 === 0 ? 1e30 : NaN))];
    const first = await quantize(backend, state, { data: zeros, shape, weights });
    expect(await quantize(backend, state, { data: huge, shape, weights })).toEqual(first);
    const perVector = first.indices.length / count;
    for await (const block of encodeCodes(
      backend,
      state,
      sourceOf(
        withPadding(() => 1e30),
        m,
        weights,
      ),
    )) {
      const expected = first.indices.subarray(block.first * perVector, (block.first + block.rows) * perVector);
      expect(block.indices).toEqual(expected);
    }
    const next = await update(backend, state, { data: zeros, shape, weights });
    expect(await update(backend, state, { data: huge, shape, weights })).toEqual(next);
    // Vectors that count are quantized as without a mask, and the others are zeros.
    weights.forEach((weight, row) => {
      const cut = <T extends Float32Array | Int32Array>(list: T, width: number): number[] =>
        Array.from(list.subarray(row * width, (row + 1) * width));
      expect(cut(first.indices, perVector)).toEqual(
        weight > 0 ? cut(all.indices, perVector) : new Array(perVector).fill(0),
      );
      expect(cut(first.hard, m)).toEqual(weight > 0 ? cut(all.hard, m) : [0, 0, 0, 0]);
    });
    // A batch without them gives the same state: but for the draw of tokens that dead codes move to, and roundings.
    if ('reviveBelow' in revival || kind === 'ddcl' || kind === 'gumbel') return;
    const kept = Array.from({ length: count }, (_each, row) => row).filter((row) => weights[row]! > 0);
    const short = Float32Array.from(kept.flatMap((row) => Array.from(data.subarray(row * m, (row + 1) * m))));
    const alone = await update(backend, state, { data: short, shape: [kept.length, m] });
    expect(difference(alone, next)).toBeLessThan(1e-5);
  });
});

it.each(kinds)('a batch of padding alone changes nothing: %s', async (kind) => {
  const spec = specOf(kind, { norm: 'scale', depth: 2 });
  const before = await initialize(backend, spec, sourceOf(data, m));
  const after = await update(backend, before, { data, shape: [count, m], weights: new Uint8Array(count) });
  expect(difference(before, after)).toBe(0);
});

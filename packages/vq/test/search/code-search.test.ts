import { cpuBackend } from '@ddcl/backend-cpu';
import { expect, it } from 'vitest';
import { createCodeSearch, initialize, quantize } from '../../src/index.ts';
import { normals, sourceOf, specOf } from '../kinds.ts';
import { distance, rowsOf } from '../quantizers/reference.ts';
import { codeOf } from '../thrown.ts';

const backend = cpuBackend();
const [count, m] = [80, 4];
const data = normals(count * m, 101);
const queries = normals(6 * m, 103);

it.each([
  ['heads', { heads: 2 }],
  ['heads that share, residual', { heads: 2, sharedHeads: true, depth: 2 }],
  ['residual', { depth: 3 }],
] as const)('finds what comparing with the decoded vectors finds, %s', async (_, extra) => {
  const state = await initialize(backend, specOf('ema', extra), sourceOf(data, m));
  const { indices, hard } = await quantize(backend, state, { data, shape: [count, m] });
  const search = createCodeSearch(state, indices);
  const hits = search.search({ data: queries, shape: [6, m] }, 10);
  const vectors = rowsOf(Array.from(hard), m);
  rowsOf(Array.from(queries), m).forEach((query, row) => {
    const sorted = vectors.map((vector) => distance(query, vector)).sort((a, b) => a - b);
    for (let place = 0; place < 10; place++) {
      // Vectors with the same codes are at the same distance, so distances are compared.
      expect(hits.distances[row * 10 + place]).toBeCloseTo(sorted[place]!, 5);
      expect(distance(query, vectors[hits.indices[row * 10 + place]!]!)).toBeCloseTo(sorted[place]!, 5);
    }
  });
});

it('gives the lowest number first where distances are equal', async () => {
  const state = await initialize(backend, specOf('ema'), sourceOf(data, m));
  const { indices } = createCodeSearch(state, [2, 1, 2, 2]).search({ data: queries, shape: [6, m] }, 4);
  const places = Array.from(indices.subarray(0, 4)).filter((vector) => vector !== 1);
  expect(places).toEqual([0, 2, 3]);
});

it('refuses what has no sum of codes, and numbers that do not fit', async () => {
  const state = await initialize(backend, specOf('ema'), sourceOf(data, m));
  const search = createCodeSearch(state, [0, 1]);
  for (const k of [0, 3, 1.5])
    expect(await codeOf(() => search.search({ data: queries, shape: [6, m] }, k))).toBe('argument');
  expect(await codeOf(() => search.search({ data: queries, shape: [6, 3] }, 1))).toBe('shape');
  expect(await codeOf(() => createCodeSearch(state, [0, 6]))).toBe('data');
  for (const spec of [specOf('fsq'), specOf('ema', { norm: 'scale' }), specOf('ema', { codeDimension: 2 })]) {
    const other = await initialize(backend, spec, sourceOf(data, m));
    expect(await codeOf(() => createCodeSearch(other, []))).toBe('argument');
  }
});

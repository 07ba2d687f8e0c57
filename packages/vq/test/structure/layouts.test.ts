import { cpuBackend } from '@ddcl/backend-cpu';
import { expect, it } from 'vitest';
import { decode, initialize, quantize, topCodes } from '../../src/index.ts';
import { normals, sourceOf, specOf } from '../kinds.ts';
import { distance, rowsOf } from '../quantizers/reference.ts';

const backend = cpuBackend();
const [batch, height, width, m] = [2, 3, 5, 4];
const count = batch * height * width;
const rows = normals(count * m, 91);

it('images with channels first or last, sequences and lists have the same codes', async () => {
  const state = await initialize(backend, specOf('ema', { heads: 2, depth: 2 }), sourceOf(rows, m));
  const list = await quantize(backend, state, { data: rows, shape: [count, m] });
  const last = await quantize(backend, state, { data: rows, shape: [batch, height, width, m] });
  expect(last.indices).toEqual(list.indices);
  expect(last.indexShape).toEqual([batch, height, width, 4]);
  const sequence = await quantize(backend, state, { data: rows, shape: [batch, height * width, m], channelAxis: 2 });
  expect(sequence.hard).toEqual(list.hard);
  // Element (b, c, y, x) of the one is (b, y, x, c) of the other.
  const place = (b: number, c: number, y: number, x: number): number => ((b * m + c) * height + y) * width + x;
  const turn = (from: Float32Array): Float32Array => {
    const made = new Float32Array(from.length);
    for (let vector = 0; vector < count; vector++) {
      const [b, y, x] = [Math.floor(vector / (height * width)), Math.floor(vector / width) % height, vector % width];
      for (let c = 0; c < m; c++) made[place(b, c, y, x)] = from[vector * m + c]!;
    }
    return made;
  };
  const first = await quantize(backend, state, {
    data: turn(rows),
    shape: [batch, m, height, width],
    channelAxis: 1,
  });
  expect(first.indices).toEqual(list.indices);
  expect(first.hard).toEqual(turn(list.hard));
  expect(first.report).toEqual(list.report);
  expect(decode(state, first.indices, { places: [batch, height, width], channelAxis: 1 })).toEqual(first.hard);
});

it('no vectors are no codes', async () => {
  const state = await initialize(backend, specOf('ddcl'), sourceOf(rows, m));
  const { indices, hard, report } = await quantize(backend, state, { data: new Float32Array(0), shape: [0, m] });
  expect([indices.length, hard.length, report.use, report.quantization]).toEqual([0, 0, 0, 0]);
});

it('near codes are those of the sorted distances', async () => {
  const state = await initialize(backend, specOf('vq', { heads: 2 }), sourceOf(rows, m));
  const { indices, distances } = await topCodes(backend, state, { data: rows, shape: [count, m] }, 3);
  for (let vector = 0; vector < count; vector++) {
    for (let head = 0; head < 2; head++) {
      const z = Array.from(rows.subarray(vector * m + 2 * head, vector * m + 2 * head + 2));
      const codes = rowsOf(Array.from(state.tensors[`codes.${head}.0`]!), 2);
      const sorted = codes.map((code, k) => [distance(z, code), k] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      for (let place = 0; place < 3; place++) {
        const at = (vector * 2 + head) * 3 + place;
        expect(indices[at]).toBe(sorted[place]![1]);
        // float32 squares of numbers of order 1.
        expect(distances[at]).toBeCloseTo(sorted[place]![0], 5);
      }
    }
  }
});

import { inflateSync } from 'node:zlib';
import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { createState, trainAutoencoder, type Images } from '@ddcl/vq';
import { expect, it } from 'vitest';
import { codebookCurves, codebookTables } from '../src/codebook-page.ts';
import { contestants, epochs, pictureCount, type CodebookRun } from '../src/codebook-runs.ts';
import { pictureGrid, png } from '../src/picture.ts';

it('every contestant has a spec for both sizes, of as many codes', () => {
  for (const { spec } of contestants) {
    for (const codes of [64, 1024]) {
      const made = spec(codes);
      expect(made.codes ?? made.levels!.reduce((product, count) => product * count, 1)).toBe(codes);
      expect(createState(made).spec).toBe(made);
    }
  }
});

it('every contestant is trained in one step of images', async () => {
  const random = createRandom(1);
  const data = Uint8Array.from({ length: 40 * 3072 }, () => random.integer(256));
  const images: Images = { data, shape: [40, 32, 32, 3] };
  const backend = cpuBackend();
  for (const { spec, options } of contestants) {
    const { history } = await trainAutoencoder(backend, images, {
      quantizer: spec(64),
      ...options?.(64),
      epochs: 1,
      stepsPerEpoch: 1,
      batch: 64,
      hidden: 4,
      holdOut: { data: data.subarray(0, 3072), shape: [1, 32, 32, 3] },
    });
    expect(history[0]!.hard).toBeGreaterThan(0);
  }
});

const run = (name: string, seed: number, uses: (epoch: number) => number, hard: number): CodebookRun => ({
  name,
  codes: 64,
  context: 1,
  seed,
  epochs: Array.from({ length: epochs }, (_, epoch) => ({ hard: hard / 1000, use: uses(epoch), perplexity: 50 })),
  seconds: 10,
  pictures: '',
});

it('tables say from when on all codes are used', () => {
  const tables = codebookTables([
    run('ema', 0, (epoch) => (epoch < 4 ? 0.9 : 1), 9.5),
    run('ddcl', 0, () => 1, 9.25),
    run('ddcl', 1, (epoch) => (epoch === epochs - 1 ? 0.98 : 1), 9.35),
  ]);
  const [ddcl, ema] = tables.split('\n').slice(-2);
  expect(ddcl).toBe(
    '| ddcl | 2 | 1.000 1.000 | 1.000 0.980 | 1 never | 50.0 | 9.300 ± 0.050 (9.250 to 9.350) |  | 10 |',
  );
  expect(ema).toBe('| ema | 1 | 0.900 | 1.000 | 5 | 50.0 | 9.500 |  | 10 |');
  const curves = codebookCurves([run('ddcl', 0, () => 1, 9), run('ema', 0, () => 0.5, 12)], 64, 1);
  expect(curves.match(/<polyline/g)).toHaveLength(4);
});

it('pictures are PNG files of rows of images', () => {
  const grid = pictureGrid([new Uint8Array(pictureCount * 3072).fill(9)], pictureCount, 1);
  expect([grid.readUInt32BE(16), grid.readUInt32BE(20)]).toEqual([pictureCount * 36 + 4, 40]);
  const small = png(Uint8Array.of(1, 2, 3, 4, 5, 6), 2, 1);
  const start = small.indexOf('IDAT') + 4;
  expect([...inflateSync(small.subarray(start, start + small.readUInt32BE(start - 8)))]).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

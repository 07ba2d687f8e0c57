import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { modelFromBytes, modelState, type DdclModel } from '@ddcl/core/fit';
import { readSafetensors, safetensorsToFloat32 } from '@ddcl/core/safetensors';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../../src/data/npy-reader.ts';
import { npy, testFolder } from './support.ts';
import { requireRefusals, reviews, runAll, runJson, writeEncoder } from './text-support.ts';

const folder = testFolder();
const count = 60;
let encoder = '';
let text: string[] = [];

interface Measures {
  tokens: number;
  dimension: number;
  loss: { lq: number; hard: number };
  labels?: { acc: number };
  text: { documents: number; tokens: number; truncated: number; empty: number };
}

const settings = ['--prototypes', '4', '--epochs', '20'];

beforeAll(async () => {
  mkdirSync(folder.at('tmp'));
  encoder = await writeEncoder(folder);
  folder.write('reviews.jsonl', reviews(count));
  text = ['--text', folder.at('reviews.jsonl'), '--text-field', 'text'];
  await runAll([
    ['fit', ...text, '--encoder', encoder, ...settings, '--out', folder.at('direct')],
    ['encode-tokens', ...text, '--encoder', encoder, '--labels', 'topic', '--out', folder.at('shards')],
  ]);
});

/** Tokens and bounds of a folder of one shard. */
function shard(name: string): { tokens: Float32Array; offsets: number[] } {
  const { tensors } = readSafetensors(new Uint8Array(folder.read(`${name}/tokens-00000.safetensors`)));
  return {
    tokens: safetensorsToFloat32(tensors.get('tokens')!),
    offsets: Array.from(tensors.get('offsets')!.data as BigInt64Array, Number),
  };
}

/** Occupancy of one document, in double precision. */
function occupancyOf(model: DdclModel, tokens: Float32Array): Float64Array {
  const { count: prototypes, dimension, temperature } = model;
  const absolute = modelState(model).absolute;
  const shares = new Float64Array(prototypes);
  const rows = tokens.length / dimension;
  for (let row = 0; row < rows; row++) {
    const scores = Array.from({ length: prototypes }, (_, k) => {
      let distance = 0;
      for (let axis = 0; axis < dimension; axis++)
        distance += (tokens[row * dimension + axis]! - absolute[k * dimension + axis]!) ** 2;
      return -distance / temperature;
    });
    const highest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - highest));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    weights.forEach((weight, k) => (shares[k]! += weight / sum / rows));
  }
  return shares;
}

describe('a model that was fitted on text', () => {
  it('reads documents out with its own encoder', async () => {
    const { stderr } = await runJson([
      'encode',
      folder.at('direct'),
      ...text,
      '--outputs',
      'occupancy',
      '--out',
      folder.at('occupancy.npy'),
    ]);
    expect(stderr).toMatch(/^60 documents/);
    const { shape, data } = await readNpy(folder.at('occupancy.npy'));
    expect(shape).toEqual([count, 4]);
    const model = modelFromBytes(folder.read('direct/model.safetensors'));
    const { tokens, offsets } = shard('shards');
    for (let document = 0; document < count; document++) {
      const own = tokens.subarray(offsets[document]! * 32, offsets[document + 1]! * 32);
      occupancyOf(model, own).forEach((share, k) =>
        expect(Math.abs(share - data[document * 4 + k]!)).toBeLessThan(1e-4),
      );
    }
    await runJson([
      'encode',
      folder.at('direct'),
      folder.at('shards'),
      '--outputs',
      'occupancy',
      '--out',
      folder.at('occupancy2.npy'),
    ]);
    expect(folder.read('occupancy2.npy').equals(folder.read('occupancy.npy'))).toBe(true);
  });

  it('gives zeros for documents without tokens, also at the end', async () => {
    folder.write(
      'ends.jsonl',
      ['good film', '', 'river', '', ''].map((value) => `${JSON.stringify({ text: value })}\n`).join(''),
    );
    const args = ['--text', folder.at('ends.jsonl'), '--text-field', 'text', '--drop-special'];
    for (const what of ['pooled', 'occupancy', 'summaries', 'residuals']) {
      await runJson(['encode', folder.at('direct'), ...args, '--outputs', what, '--out', folder.at('ends.npy')]);
      const { shape, data } = await readNpy(folder.at('ends.npy'));
      expect(shape[0]).toBe(5);
      const width = data.length / 5;
      const isZero = Array.from({ length: 5 }, (_, row) =>
        data.subarray(row * width, (row + 1) * width).every((value) => value === 0),
      );
      expect(isZero).toEqual([false, true, false, true, true]);
    }
  });

  it('is measured with its encoder, at the figures of the fit', async () => {
    const fitted = folder.json('direct/config.json') as { measures: Measures };
    const measured = await runJson<Measures>(['measure', ...text, '--prototypes', folder.at('direct')]);
    expect(measured.text.documents).toBe(count);
    expect(Math.abs(measured.loss.lq / fitted.measures.loss.lq - 1)).toBeLessThan(1e-5);
    const { tokens } = shard('shards');
    folder.write('prototypes.npy', npy([2, 32], 'float32', tokens.slice(0, 64)));
    const options = ['--prototypes', folder.at('prototypes.npy'), '--temperature', '1'];
    const [direct, kept] = await runAll<Measures>([
      ['measure', ...text, '--labels', 'topic', '--encoder', encoder, ...options],
      ['measure', folder.at('shards'), ...options],
    ]);
    expect({ ...direct, seconds: 0, stderr: '' }).toEqual({ ...kept, seconds: 0, stderr: '' });
  });

  it('follows its encoder to another place, but takes another one only if that is meant', async () => {
    const moved = await writeEncoder(folder, 'first');
    await runAll([['fit', ...text, '--encoder', moved, ...settings, '--out', folder.at('movable')]]);
    renameSync(moved, folder.at('second'));
    const other = await writeEncoder(folder, 'other', { seed: 3 });
    const wide = await writeEncoder(folder, 'wide', { hidden: 16 });
    const encode = (...more: string[]): string[] => [
      'encode',
      folder.at('movable'),
      '--outputs',
      'codes',
      '--out',
      folder.at('moved.npy'),
      ...more,
    ];
    await runAll([
      encode(...text, '--encoder', folder.at('second')),
      encode(...text, '--encoder', other, '--other-encoder'),
      ['encode-tokens', ...text, '--encoder', other, '--out', folder.at('other-shards')],
      encode(folder.at('other-shards'), '--other-encoder'),
    ]);
    await requireRefusals([
      [encode(...text), /There is no encoder folder .*first/],
      [
        encode(...text, '--encoder', other),
        /not the encoder that the model was fitted with.*Give that one with --encoder, or --other-encoder/,
      ],
      [encode(...text, '--encoder', wide, '--other-encoder'), /takes tokens of dimension 32, but those of .* have 16/],
      [encode(folder.at('other-shards')), /not the encoder that the model was fitted with/],
    ]);
  });
});

describe('text that cannot be used', () => {
  it('is refused with a reason', async () => {
    folder.write('numbers.npy', npy([40, 32], 'float32', shard('shards').tokens.slice(0, 40 * 32)));
    const encodePlain = [
      'encode',
      folder.at('plain'),
      ...text,
      '--encoder',
      encoder,
      '--outputs',
      'codes',
      '--out',
      folder.at('plain.npy'),
    ];
    // A model of numbers takes text with any encoder of its width.
    await runAll([['fit', folder.at('numbers.npy'), ...settings, '--out', folder.at('plain')], encodePlain]);
    const out = ['--out', folder.at('none')];
    const fit = (...args: string[]): string[] => ['fit', ...args, ...settings, ...out];
    folder.write('tokens.npy', npy([4, 2], 'float32', [1, 2, 3, 4, 5, 6, 7, 8]));
    const shards = folder.at('shards');
    const segments = ['--outputs', 'pooled', '--segments', folder.at('tokens.npy'), '--out', folder.at('none.npy')];
    await requireRefusals([
      [fit(), /The argument 'data' is missing.*or text with --text/],
      [fit(...text), /Text needs an encoder/],
      [fit(shards, ...text, '--encoder', encoder), /not both/],
      [fit(shards, '--encoder', encoder), /--encoder goes with --text/],
      [fit(shards, '--max-tokens', '8'), /--max-tokens goes with --text/],
      [fit(shards, '--labels', 'topic'), /Token shards have their own labels/],
      [fit(shards, '--columns', 'a'), /--columns does not go with token shards/],
      [fit(...text, '--encoder', encoder, '--tensor', 'a'), /--tensor does not go with text/],
      [fit(folder.at('tmp')), /folder without token shards/],
      [fit(folder.at('tokens.npy'), '--documents', 'mean'), /Means of documents need documents/],
      [['encode', folder.at('direct'), shards, ...segments], /segments of text and token shards are the documents/],
      [
        ['encode', folder.at('plain'), ...text, '--outputs', 'codes', '--out', folder.at('none.npy')],
        /Text needs an encoder/,
      ],
    ]);
    expect(existsSync(folder.at('none'))).toBe(false);
  });
});

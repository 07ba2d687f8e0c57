import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { modelFromBytes } from '@ddcl/core/fit';
import { readSafetensors, safetensorsToFloat32 } from '@ddcl/core/safetensors';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../../src/data/npy-reader.ts';
import { ddclProcess, npy, succeed, testFolder } from './support.ts';
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
});

/** What the commands left among temporary files; ONNX Runtime leaves files of its own. */
const leftovers = (): string[] => readdirSync(folder.at('tmp')).filter((name) => name.startsWith('ddcl'));

/** Tokens and bounds of a folder of one shard. */
function shard(name: string): { tokens: Float32Array; offsets: number[] } {
  const { tensors } = readSafetensors(new Uint8Array(folder.read(`${name}/tokens-00000.safetensors`)));
  return {
    tokens: safetensorsToFloat32(tensors.get('tokens')!),
    offsets: Array.from(tensors.get('offsets')!.data as BigInt64Array, Number),
  };
}

describe('ddcl fit --text', () => {
  it('is the fit of the same tokens kept as shards, and leaves no temporary file', async () => {
    const env = { TMPDIR: folder.at('tmp') };
    const direct = await runJson<Measures>(
      ['fit', ...text, '--encoder', encoder, '--labels', 'topic', ...settings, '--out', folder.at('direct')],
      { env },
    );
    expect(leftovers()).toEqual([]);
    expect(direct.stderr).toMatch(/^60 documents, \d+ tokens \(1 without text\)\n/);
    expect(direct.text).toEqual({ documents: count, tokens: direct.tokens, truncated: 0, empty: 1 });
    expect([direct.dimension, typeof direct.labels?.acc]).toEqual([32, 'number']);

    const shards = folder.at('shards');
    const [, kept] = await runAll<Measures>([
      ['encode-tokens', ...text, '--encoder', encoder, '--labels', 'topic', '--out', shards],
      ['fit', shards, ...settings, '--out', folder.at('kept')],
      ['fit', join(shards, 'tokens-00000.safetensors'), ...settings, '--out', folder.at('files')],
    ]);
    for (const name of ['kept', 'files'])
      expect(folder.read(`${name}/model.safetensors`).equals(folder.read('direct/model.safetensors'))).toBe(true);
    const timeless = { seconds: 0, phases: {}, stderr: '' };
    expect({ ...kept, ...timeless }).toEqual({ ...direct, ...timeless });

    const config = folder.json('direct/config.json') as { text: { encoder: object; documents: string } };
    expect(config.text).toMatchObject({
      documents: 'tokens',
      encoder: { encoder, dtype: 'fp32', maxTokens: 64, dropSpecial: false, textField: 'text', dimension: 32 },
    });
    expect(await succeed(['inspect', folder.at('direct')])).toContain(encoder);
  });

  it('goes on after an interruption with --resume, and refuses another encoder', async () => {
    const args = [
      'fit',
      ...text,
      '--encoder',
      encoder,
      '--prototypes',
      '4',
      '--epochs',
      '800',
      '--out',
      folder.at('stopped'),
    ];
    const { status } = await ddclProcess(args, {
      env: { TMPDIR: folder.at('tmp') },
      onStart(child) {
        const timer = setInterval(() => {
          if (!existsSync(folder.at('stopped/checkpoint.safetensors'))) return;
          clearInterval(timer);
          child.kill('SIGINT');
        }, 10);
      },
    });
    expect(status).toBe(130);
    expect(leftovers()).toEqual([]);
    const other = await writeEncoder(folder, 'other', { seed: 3 });
    const resume = [...args, '--resume'];
    await requireRefusals([
      [resume.map((arg) => (arg === encoder ? other : arg)), /belongs to another fit: other encoder/],
      [[...resume, '--documents', 'mean'], /belongs to another fit: .*documents was tokens, is mean/],
    ]);
    await runAll([resume, [...args.slice(0, -1), folder.at('straight')]]);
    expect(folder.read('stopped/model.safetensors').equals(folder.read('straight/model.safetensors'))).toBe(true);
  });

  it('takes the mean of each document as a token', async () => {
    const means = await runJson<Measures>([
      'fit',
      folder.at('shards'),
      '--documents',
      'mean',
      ...settings,
      '--out',
      folder.at('means'),
    ]);
    // The text without words still has its special tokens.
    expect([means.tokens, means.text.documents]).toEqual([count, count]);
    const { tokens, offsets } = shard('shards');
    const rows = Array.from({ length: count }, (_, document) => {
      const sum = new Float64Array(32);
      for (let place = offsets[document]! * 32; place < offsets[document + 1]! * 32; place++)
        sum[place % 32]! += tokens[place]!;
      const length = Math.sqrt(sum.reduce((total, value) => total + value * value, 0));
      return Array.from(sum, (value) => Math.fround(value / length));
    });
    folder.write('means.npy', npy([count, 32], 'float32', rows.flat()));
    await succeed(['fit', folder.at('means.npy'), ...settings, '--out', folder.at('numbers')]);
    const [a, b] = ['means', 'numbers'].map((name) => modelFromBytes(folder.read(`${name}/model.safetensors`)));
    a!.prototypes.forEach((value, index) => expect(Math.abs(value - b!.prototypes[index]!)).toBeLessThan(1e-4));
    // The model keeps the mode: codes are those of documents.
    await runJson(['encode', folder.at('means'), ...text, '--outputs', 'codes', '--out', folder.at('codes.npy')]);
    expect((await readNpy(folder.at('codes.npy'))).shape).toEqual([count]);
    await succeed([
      'encode',
      folder.at('numbers'),
      folder.at('means.npy'),
      '--outputs',
      'codes',
      '--out',
      folder.at('codes2.npy'),
    ]);
    expect((await readNpy(folder.at('codes.npy'))).data).toEqual((await readNpy(folder.at('codes2.npy'))).data);
  });

  it('leaves documents without tokens out of the means, and gives them a row when it is applied', async () => {
    const args = [...text, '--encoder', encoder, '--drop-special'];
    const fitted = await runJson<Measures>([
      'fit',
      ...args,
      '--documents',
      'mean',
      ...settings,
      '--out',
      folder.at('dropped'),
    ]);
    expect(fitted.tokens).toBe(count - 1);
    await runJson(['encode', folder.at('dropped'), ...text, '--outputs', 'pooled', '--out', folder.at('dropped.npy')]);
    expect((await readNpy(folder.at('dropped.npy'))).shape).toEqual([count, 32]);
  });
});

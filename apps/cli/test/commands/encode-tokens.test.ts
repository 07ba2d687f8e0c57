import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromFloat16, readSafetensors, safetensorsToFloat32 } from '@ddcl/core/safetensors';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { vocabulary } from '../../../../tooling/tiny-bert/word-piece.ts';
import { findTokenShards, openTokenShards } from '../../src/token-shards/open-token-shards.ts';
import { ddcl, ddclProcess, testFolder } from './support.ts';
import { requireRefusals, reviews, runJson, writeEncoder } from './text-support.ts';

const folder = testFolder();
let encoder = '';

beforeAll(async () => {
  encoder = await writeEncoder(folder);
  folder.write('reviews.jsonl', reviews(40));
});

interface Summary {
  documents: number;
  tokens: number;
  truncated: number;
  empty: number;
  shards: number;
  encoder: { encoder: string; dimension: number; textField: string | null };
}

const encodeTokens = (out: string, ...more: string[]): Promise<Summary & { stderr: string }> =>
  runJson<Summary>([
    'encode-tokens',
    '--text',
    folder.at('reviews.jsonl'),
    '--text-field',
    'text',
    '--encoder',
    encoder,
    '--out',
    folder.at(out),
    ...more,
  ]);

describe('ddcl encode-tokens', () => {
  it('writes the vectors that the model gives for the words of each text', async () => {
    const summary = await encodeTokens('plain', '--token-dtype', 'float32', '--labels', 'topic');
    expect(summary.stderr).toBe('');
    const { tensors, metadata } = readSafetensors(
      new Uint8Array(readFileSync(folder.at('plain/tokens-00000.safetensors'))),
    );
    const tokens = safetensorsToFloat32(tensors.get('tokens')!);
    const offsets = Array.from(tensors.get('offsets')!.data as BigInt64Array, Number);
    const texts = reviews(40)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { text: string; topic: string });
    const names = JSON.parse(metadata['labelNames']!) as string[];
    expect(Array.from(tensors.get('labels')!.data as Int32Array, (label) => names[label])).toEqual(
      texts.map(({ topic }) => topic),
    );
    const session = await ort.InferenceSession.create(join(encoder, 'onnx/model.onnx'));
    let total = 0;
    for (const [index, { text }] of texts.entries()) {
      // All words are in the vocabulary, some as a word and its ending.
      const pieces = text
        .split(' ')
        .flatMap((word) => (vocabulary.includes(word) ? [word] : word === '' ? [] : [word.slice(0, -1), '##s']));
      const ids = ['[CLS]', ...pieces, '[SEP]'].map((piece) => vocabulary.indexOf(piece));
      const long = (values: readonly number[]): ort.Tensor =>
        new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, ids.length]);
      const results = await session.run({
        input_ids: long(ids),
        attention_mask: long(ids.map(() => 1)),
        token_type_ids: long(ids.map(() => 0)),
      });
      const expected = results['last_hidden_state']!.data as Float32Array;
      expect(offsets[index + 1]! - offsets[index]!, text).toBe(ids.length);
      expected.forEach((value, place) =>
        expect(Math.abs(value - tokens[offsets[index]! * 32 + place]!)).toBeLessThan(2e-5),
      );
      total += ids.length;
    }
    await session.release();
    expect(summary).toMatchObject({
      documents: 40,
      tokens: total,
      truncated: 0,
      empty: 1,
      shards: 1,
      encoder: { encoder, dimension: 32, textField: 'text' },
    });
  });

  it('keeps float16 in files of a few tokens, the same bytes each time', async () => {
    const summary = await encodeTokens('small', '--shard-tokens', '50');
    const names = readdirSync(folder.at('small'));
    expect(names).toHaveLength(summary.shards);
    expect(summary.shards).toBeGreaterThan(3);
    await encodeTokens('again', '--shard-tokens', '50');
    for (const name of names) expect(folder.read(`again/${name}`).equals(folder.read(`small/${name}`))).toBe(true);
    const whole = readSafetensors(new Uint8Array(folder.read('plain/tokens-00000.safetensors')));
    const first = readSafetensors(new Uint8Array(folder.read('small/tokens-00000.safetensors'))).tensors.get('tokens')!;
    expect(first.dtype).toBe('F16');
    const [half, full] = [fromFloat16(first.data as Uint16Array), whole.tensors.get('tokens')!.data as Float32Array];
    // Half a unit of the 11 bits of a float16.
    half.forEach((value, index) =>
      expect(Math.abs(value - full[index]!)).toBeLessThanOrEqual(Math.abs(full[index]!) * 2 ** -11 + 1e-7),
    );
  });

  it('cuts, drops special tokens, and says so', async () => {
    const summary = await encodeTokens('cut', '--max-tokens', '5', '--drop-special', '--encoder-batch', '3');
    expect(summary.truncated).toBeGreaterThan(5);
    expect(summary.tokens).toBeLessThanOrEqual(40 * 3);
    const { status, stdout } = await ddcl([
      'encode-tokens',
      '--text',
      folder.at('reviews.jsonl'),
      '--encoder',
      encoder,
      '--max-tokens',
      '5',
      '--out',
      folder.at('words'),
    ]);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^40 documents, \d+ tokens \(\d+ cut to 5 tokens, 1 without text\) of dimension 32 written to .*\(1 file\)\n$/,
    );
  });

  it('goes on with --resume after the shards of a killed run, and touches no whole ones', async () => {
    const { shards } = await encodeTokens('killed', '--shard-tokens', '50');
    const at = (shard: number): string => folder.at(`killed/tokens-0000${shard}.safetensors`);
    rmSync(at(shards - 1));
    const args = ['encode-tokens', '--text', folder.at('reviews.jsonl'), '--encoder', encoder];
    const rest = ['--shard-tokens', '50', '--out', folder.at('killed')];
    await requireRefusals([
      [[...args, ...rest], /is not empty\. Go on with the interrupted run by --resume/],
      [[...args, '--resume', '--out', folder.at('plain')], /The shards in .* are whole/],
    ]);
    const inodes = (): number[] => Array.from({ length: shards }, (_, shard) => statSync(at(shard)).ino);
    const equal = (name: string): void => {
      for (const file of readdirSync(folder.at(name)))
        expect(folder.read(`killed/${file}`).equals(folder.read(`${name}/${file}`)), file).toBe(true);
      expect(readdirSync(folder.at('killed'))).toHaveLength(readdirSync(folder.at(name)).length);
    };
    // One that is damaged is made again, with all that come after it.
    const bytes = readFileSync(at(2));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(at(2), bytes);
    folder.write('killed/tokens-00003.safetensors.1.abcd0123.tmp', 'half');
    const before = Array.from({ length: 2 }, (_, shard) => statSync(at(shard)).ino);
    const resumed = await encodeTokens('killed', '--shard-tokens', '50', '--resume');
    equal('small');
    expect(inodes().slice(0, 2)).toEqual(before);
    const { documents, tokens, truncated, empty } = resumed;
    const kept = await openTokenShards((await findTokenShards([folder.at('small')]))!, true);
    expect([{ documents, tokens, truncated, empty }, resumed.shards]).toEqual([kept.counts, shards]);
    await kept.close();
    // Those of other options are kept for them.
    rmSync(at(shards - 1));
    const left = readdirSync(folder.at('killed'));
    await requireRefusals([
      [[...args, ...rest, '--max-tokens', '7', '--resume'], /are of other texts, another encoder or other options/],
    ]);
    expect(readdirSync(folder.at('killed'))).toEqual(left);
    // What is no shard is not touched.
    rmSync(at(0));
    folder.write('killed/notes.txt', 'mine');
    await requireRefusals([[[...args, ...rest, '--resume'], /is not empty\. Choose another with --out, or empty it/]]);
  });

  it('refuses, leaving nothing behind', async () => {
    const text = ['--text', folder.at('reviews.jsonl')];
    const out = ['--out', folder.at('refused')];
    const run = (...args: string[]): string[] => ['encode-tokens', ...args];
    await requireRefusals([
      [run(...text, ...out), /Text needs an encoder/],
      [run(...text, '--encoder', folder.at('none'), ...out), /There is no encoder folder/],
      [run(...text, '--encoder', encoder, '--encoder-dtype', 'q8', ...out), /has no q8 model/],
      [run(...text, '--encoder', encoder, '--max-tokens', '65', ...out), /at most 64 tokens/],
      [run(...text, '--encoder', encoder, '--out', folder.at('plain')), /is not empty/],
      [run('--encoder', encoder, ...out), /--text/],
    ]);
    expect(existsSync(folder.at('refused'))).toBe(false);
  });

  it('is stopped in order', async () => {
    folder.write('many.jsonl', reviews(60_000));
    const { status, stderr } = await ddclProcess(
      [
        'encode-tokens',
        '--text',
        folder.at('many.jsonl'),
        '--encoder',
        encoder,
        '--shard-tokens',
        '2000',
        '--out',
        folder.at('stopped'),
      ],
      {
        onStart(child) {
          const timer = setInterval(() => {
            if (!existsSync(folder.at('stopped/tokens-00000.safetensors'))) return;
            clearInterval(timer);
            child.kill('SIGINT');
          }, 20);
        },
      },
    );
    expect([status, stderr]).toEqual([130, 'ddcl: stopped. Run the command again.\n']);
    expect(existsSync(folder.at('stopped'))).toBe(false);
  });
});

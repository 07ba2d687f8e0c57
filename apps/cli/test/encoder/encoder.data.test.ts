import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readSafetensors } from '@ddcl/core/safetensors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEncoder, type Encoder } from '../../src/encoder/open-encoder.ts';
import type { EncodedDocument } from '../../src/encoder/encode-documents.ts';
import { TextTokenizer } from '../../src/encoder/tokenizer.ts';
import { loadOrt } from '../../src/backends/load-ort.ts';

const data = process.env['DDCL_DATA'] ?? join(import.meta.dirname, '../../../../../shared/data');
const miniLm = join(data, 'all-MiniLM-L6-v2');
const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(data, ...path), 'utf8'));

async function collect(encoder: Encoder, texts: readonly string[]): Promise<EncodedDocument[]> {
  const documents = texts.map((text, index) => ({ text, place: `text ${index}` }));
  const encoded: EncodedDocument[] = [];
  for await (const document of encoder.encode(documents)) encoded.push(document);
  return encoded;
}

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0);

/** Reviews, and beginnings of them: texts of very different lengths. */
function reviews(count: number): string[] {
  const lines = gunzipSync(readFileSync(join(data, 'imdb/train_5k.jsonl.gz')))
    .toString('utf8')
    .split('\n');
  return lines.slice(0, count).map((line, index) => {
    const { text } = JSON.parse(line) as { text: string };
    return index % 2 === 0 ? text : text.slice(0, 20 + 7 * index);
  });
}

const ort = await loadOrt();

describe('the published BERT tokenizer', () => {
  it('gives the ids of the reference library for all 78 texts', async () => {
    const folder = 'bert_uncased_tokenizer';
    const tokenizer = await TextTokenizer.open(
      json(folder, 'tokenizer.json') as object,
      json(folder, 'tokenizer_config.json') as object,
      'tokenizer.json',
    );
    const fixtures = json(folder, 'token_id_fixtures.json') as { text: string; ids: number[] }[];
    expect(fixtures).toHaveLength(78);
    for (const { text, ids } of fixtures) expect([...tokenizer.tokenize(text, 4096).ids], text).toEqual(ids);
  });
});

describe('all-MiniLM-L6-v2', () => {
  let encoder: Encoder;
  beforeAll(async () => {
    encoder = await openEncoder({ encoder: miniLm, ort });
  });
  afterAll(() => encoder.dispose());

  it('gives the hidden states of PyTorch in float64', async () => {
    const texts = json('all-MiniLM-L6-v2', 'reference_texts.json') as string[];
    const { tensors } = readSafetensors(readFileSync(join(miniLm, 'reference.safetensors')));
    const states = tensors.get('last_hidden_state')!;
    const [mask, ids] = [tensors.get('attention_mask')!, tensors.get('input_ids')!];
    const length = states.shape[1]!;
    const encoded = await collect(encoder, texts);
    expect(encoded.map(({ place }) => place)).toEqual(texts.map((_, index) => `text ${index}`));
    for (const [row, document] of encoded.entries()) {
      const count = document.ids.length;
      const kept = Array.from(mask.data.subarray(row * length, (row + 1) * length) as Int32Array);
      expect(count).toBe(kept.reduce((sum, value) => sum + value, 0));
      expect([...document.ids]).toEqual([...(ids.data as Int32Array).subarray(row * length, row * length + count)]);
      const reference = (states.data as Float32Array).subarray(row * length * 384, (row * length + count) * 384);
      expect(document.tokens).toHaveLength(reference.length);
      // float32 against float64 rounded to float32; values are up to 3.
      expect(largestDifference(document.tokens, reference), texts[row]!).toBeLessThan(1e-4);
    }
  });

  it('gives the same whatever runs together', async () => {
    const texts = reviews(50);
    const encoded = await collect(encoder, texts);
    const alone = await openEncoder({ encoder: miniLm, batch: 1, ort });
    const single = await collect(alone, texts);
    await alone.dispose();
    const lengths = new Set(encoded.map(({ ids }) => ids.length));
    expect(lengths.size).toBeGreaterThan(30);
    for (const [index, { ids, tokens, place }] of encoded.entries()) {
      expect(place).toBe(`text ${index}`);
      expect(ids).toEqual(single[index]!.ids);
      expect(largestDifference(tokens, single[index]!.tokens), place).toBeLessThan(2e-4);
    }
  });

  it('has a quantized form that is close, and exactly the same alone or not with one document per batch', async () => {
    const [first, second] = [reviews(8), reviews(8).reverse()];
    const quantized = await openEncoder({ encoder: miniLm, dtype: 'q8', batch: 1, maxTokens: 64, ort });
    expect(quantized.record.hash).not.toBe(encoder.record.hash);
    const [forwards, backwards] = [await collect(quantized, first), await collect(quantized, second)];
    await quantized.dispose();
    expect(backwards.reverse().map(({ tokens }) => tokens)).toEqual(forwards.map(({ tokens }) => tokens));
    const full = await openEncoder({ encoder: miniLm, maxTokens: 64, ort });
    const exact = await collect(full, first);
    await full.dispose();
    for (const [index, { tokens }] of exact.entries()) {
      const other = forwards[index]!.tokens;
      const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, at) => sum + value * b[at]!, 0);
      // README of the encoder: least cosine of pooled vectors 0.978, of tokens 0.961.
      expect(dot(tokens, other) / Math.sqrt(dot(tokens, tokens) * dot(other, other))).toBeGreaterThan(0.95);
    }
  });
});

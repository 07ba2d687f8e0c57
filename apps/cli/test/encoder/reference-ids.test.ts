import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { TextTokenizer } from '../../src/encoder/tokenizer.ts';

/** Made by fixtures/make-tokenizers.py. */
interface Fixtures {
  readonly reference: string;
  readonly texts: readonly string[];
  readonly tokenizers: readonly {
    readonly name: string;
    readonly json: object;
    readonly ids: readonly (readonly number[])[];
  }[];
}

const packed = await readFile(join(import.meta.dirname, 'fixtures', 'tokenizers.json.gz'));
const { texts, tokenizers } = JSON.parse(gunzipSync(packed).toString('utf8')) as Fixtures;

describe('ids of the reference', () => {
  it.each(tokenizers)('$name', async ({ json, ids }) => {
    const tokenizer = await TextTokenizer.open(json, {}, 'tokenizer.json');
    expect(texts.length).toBeGreaterThan(300);
    texts.forEach((text, index) => {
      expect([...tokenizer.tokenize(text, 1e6).ids], JSON.stringify(text)).toEqual(ids[index]);
    });
  });
});

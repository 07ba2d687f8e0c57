import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { hashEncoder } from '../../src/encoder/encoder-record.ts';

const folder = mkdtempSync(join(tmpdir(), 'ddcl-record-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

it('is another hash for another content of any file that is read', async () => {
  const names = ['tokenizer.json', 'config.json', 'tokenizer_config.json', 'model.onnx', 'weights.bin'];
  for (const name of names) writeFileSync(at(name), name);
  const [tokenizer, config, tokenizerConfig, model, external] = names.map(at) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const files = { folder, tokenizer, config, tokenizerConfig, model, external: [external] };
  const hashes = [await hashEncoder(files), await hashEncoder({ ...files, tokenizerConfig: undefined })];
  for (const name of names) {
    writeFileSync(at(name), `${name} changed`);
    hashes.push(await hashEncoder(files));
    writeFileSync(at(name), name);
  }
  expect(new Set(hashes).size).toBe(names.length + 2);
  expect(await hashEncoder(files)).toBe(hashes[0]);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readConfig } from '../../src/model-folder/model-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'ddcl-config-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const encoder = {
  encoder: 'mine',
  hash: 'a'.repeat(64),
  dtype: 'fp32',
  maxTokens: 128,
  dropSpecial: false,
  textField: null,
  stripHtml: false,
  dimension: 2,
};
const config = {
  format: 'ddcl.config',
  formatVersion: 1,
  command: 'ddcl fit x.npy',
  data: { columns: ['a'], tensor: null, tokens: 4, fingerprint: 'ab' },
  text: { encoder, documents: 'mean' },
  preprocessing: { standardize: { mean: [0, 1], deviation: [1, 2] }, normalize: false },
  fit: { prototypes: 2, temperature: 'auto', anneal: true, seed: null },
  identity: { seed: '0' },
  measures: { loss: { hard: 2 } },
  versions: { ddcl: '0.0.0' },
};

const read = (text: string): ReturnType<typeof readConfig> => {
  writeFileSync(join(folder, 'config.json'), text);
  return readConfig(folder);
};

it('reads a config with all its parts, and with those alone that it must have', async () => {
  expect(await read(JSON.stringify(config))).toEqual(config);
  const { text: _text, identity: _identity, ...least } = config;
  expect(await read(JSON.stringify({ ...least, data: { ...config.data, columns: null } }))).toMatchObject(
    least.fit && { fit: least.fit },
  );
});

it.each<[string, unknown, string]>([
  ['a list', [], 'is not a ddcl config of format version 1'],
  ['null', null, 'is not a ddcl config of format version 1'],
  ['another format', { ...config, format: { toString: 1 } }, 'format: '],
  ['another version', { ...config, formatVersion: 2 }, 'formatVersion: '],
  ['no fit', { ...config, fit: undefined }, 'lacks fit'],
  [
    'measures without end',
    { ...config, measures: { deep: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) as unknown } },
    'measures: nested too deep',
  ],
  ['a fit with objects', { ...config, fit: { prototypes: { a: 1 } } }, 'fit.prototypes: '],
  ['columns of numbers', { ...config, data: { ...config.data, columns: ['a', 5] } }, 'data.columns.1: '],
  ['columns that are a text', { ...config, data: { ...config.data, columns: 'a' } }, 'data.columns: '],
  ['half a token', { ...config, data: { ...config.data, tokens: 0.5 } }, 'data.tokens: '],
  ['a tensor without name', { ...config, data: { ...config.data, tensor: {} } }, 'data.tensor: '],
  [
    'deviations of 0',
    { ...config, preprocessing: { standardize: { mean: [1], deviation: [0] }, normalize: false } },
    'preprocessing.standardize.deviation.0: ',
  ],
  [
    'other lengths',
    { ...config, preprocessing: { standardize: { mean: [1, 2], deviation: [1] }, normalize: false } },
    'of different lengths',
  ],
  [
    'normalize as a text',
    { ...config, preprocessing: { standardize: null, normalize: 'no' } },
    'preprocessing.normalize: ',
  ],
  ['documents of another kind', { ...config, text: { encoder, documents: 'constructor' } }, 'text.documents: '],
  [
    'an encoder without hash',
    { ...config, text: { encoder: { ...encoder, hash: 'b' }, documents: 'mean' } },
    'text.encoder.hash: ',
  ],
  ['an identity of numbers', { ...config, identity: { seed: 0 } }, 'identity.seed: '],
  ['a value that is very long', { ...config, versions: { ddcl: ['x'.repeat(1e6)] } }, 'versions.ddcl: '],
])('refuses %s in one line', async (_, content, text) => {
  const error = await read(JSON.stringify(content)).then(
    () => undefined,
    (thrown: Error & { code: string }) => thrown,
  );
  expect(error).toMatchObject({ code: 'format', message: expect.stringContaining(text) });
  expect(error!.message.length).toBeLessThan(500);
  expect(error!.message).not.toContain('\n');
});

it('refuses what is no JSON', async () => {
  await expect(read('{')).rejects.toThrow('is not JSON');
});

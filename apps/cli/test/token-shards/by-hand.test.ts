import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { findTokenShards, openTokenShards } from '../../src/token-shards/open-token-shards.ts';

const folder = mkdtempSync(join(tmpdir(), 'ddcl-by-hand-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What docs/cli.md asks of a shard, and no more. */
const documented = {
  format: 'ddcl.token-shards',
  formatVersion: '1',
  shard: '0',
  last: 'true',
  encoder: JSON.stringify({
    encoder: 'mine',
    hash: 'a'.repeat(64),
    dtype: 'fp32',
    maxTokens: 128,
    dropSpecial: false,
    textField: null,
    stripHtml: false,
    dimension: 2,
  }),
  counts: JSON.stringify({ documents: 2, tokens: 3, truncated: 0, empty: 0 }),
  sha256: createHash('sha256')
    .update(new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer))
    .update(new Uint8Array(BigInt64Array.of(0n, 1n, 3n).buffer))
    .update('[2,"float32",null]')
    .digest('hex'),
};

const vectors = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
const bounds = new Uint8Array(BigInt64Array.of(0n, 1n, 3n).buffer);

/** Two documents, of one and two tokens. */
function write(metadata: Readonly<Record<string, string>>, labels?: readonly number[]): void {
  const numbers = new Uint8Array(Int32Array.from(labels ?? []).buffer);
  const header = JSON.stringify({
    __metadata__: metadata,
    tokens: { dtype: 'F32', shape: [3, 2], data_offsets: [0, 24] },
    offsets: { dtype: 'I64', shape: [3], data_offsets: [24, 48] },
    ...(labels && { labels: { dtype: 'I32', shape: [labels.length], data_offsets: [48, 48 + numbers.length] } }),
  });
  const text = Buffer.from(header.padEnd(8 * Math.ceil(header.length / 8)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(folder, 'tokens-00000.safetensors'), Buffer.concat([length, text, vectors, bounds, numbers]));
}

it('takes a shard that another program wrote as docs/cli.md says, and refuses one that lacks any of it', async () => {
  write(documented);
  const files = (await findTokenShards([folder]))!;
  const shards = await openTokenShards(files, true);
  expect([...shards.offsets]).toEqual([0, 1, 3]);
  expect([...(await shards.reader.read(0, 3)).data]).toEqual([1, 2, 3, 4, 5, 6]);
  await shards.close();
  for (const key of Object.keys(documented)) {
    write(Object.fromEntries(Object.entries(documented).filter(([name]) => name !== key)));
    await expect(openTokenShards(files, true), key).rejects.toThrow(
      /is no token shard of version 1|is not as it must be: it lacks \w+\./,
    );
  }
  write({ ...documented, formatVersion: '2' });
  await expect(openTokenShards(files, true)).rejects.toThrow('is no token shard of version 1');
});

it.each<[string, Readonly<Record<string, string>>, string]>([
  ['a number of the shard that is none', { shard: '-1' }, 'shard: '],
  [
    'counts of other data',
    { counts: JSON.stringify({ documents: 3, tokens: 3, truncated: 0, empty: 0 }) },
    'documents',
  ],
  [
    'counts that are texts',
    { counts: JSON.stringify({ documents: '2', tokens: 3, truncated: 0, empty: 0 }) },
    'counts.documents: ',
  ],
  ['counts that are no JSON', { counts: '{' }, 'its counts is not JSON'],
  ['a checksum that is none', { sha256: 'b' }, 'sha256: '],
  ['a checksum of other numbers', { sha256: 'b'.repeat(64) }, 'holds other numbers than its SHA-256 says'],
  [
    'an encoder without a width',
    { encoder: JSON.stringify({ ...JSON.parse(documented.encoder), dimension: 0.5 }) },
    'encoder.dimension: ',
  ],
])('refuses %s', async (_, changes, text) => {
  write({ ...documented, ...changes });
  await expect(openTokenShards((await findTokenShards([folder]))!, true)).rejects.toMatchObject({
    code: 'format',
    message: expect.stringContaining(text),
  });
});

it.each<[string, readonly number[] | undefined, readonly string[] | undefined, boolean]>([
  ['labels and their names', [1, 0], ['a', 'b'], true],
  ['a label without a name', [1, 2], ['a', 'b'], false],
  ['a label below 0', [-1, 0], ['a', 'b'], false],
  ['labels without names', [0, 0], undefined, false],
  ['names without labels', undefined, ['a', 'b'], false],
  ['a label too many', [0, 1, 1], ['a', 'b'], false],
])('reads a shard with %s, if they fit', async (_, labels, names, fits) => {
  const sha256 = createHash('sha256').update(vectors).update(bounds);
  sha256.update(new Uint8Array(Int32Array.from(labels ?? []).buffer));
  sha256.update(JSON.stringify([2, 'float32', names ?? null]));
  write({ ...documented, sha256: sha256.digest('hex'), ...(names && { labelNames: JSON.stringify(names) }) }, labels);
  const opened = openTokenShards((await findTokenShards([folder]))!, true);
  if (!fits) return expect(opened).rejects.toThrow('its documents do not fit its tokens or labels');
  expect((await opened).labels).toEqual(['b', 'a']);
  return (await opened).close();
});

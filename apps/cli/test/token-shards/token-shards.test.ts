import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '@ddcl/core';
import { fromFloat16, readSafetensors, toFloat16, writeSafetensors } from '@ddcl/core/safetensors';
import { describe, expect, it } from 'vitest';
import type { EncodedDocument } from '../../src/encoder/encode-documents.ts';
import type { EncoderRecord } from '../../src/encoder/encoder-record.ts';
import { findTokenShards, openTokenShards } from '../../src/token-shards/open-token-shards.ts';
import { ShardWriter, type ShardWriterOptions } from '../../src/token-shards/shard-writer.ts';
import { temporaryFolder } from '../encoder/support.ts';

const dimension = 6;
const record: EncoderRecord = {
  encoder: '/somewhere/encoder',
  hash: '0123456789abcdef'.repeat(4),
  dtype: 'fp32',
  maxTokens: 64,
  dropSpecial: false,
  textField: 'text',
  stripHtml: false,
  dimension,
};

type Document = Omit<EncodedDocument, 'ids'>;

/** Documents of 0 to 9 tokens. */
function documents(count: number, labels = false, seed = 1): Document[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    place: `text ${index}`,
    tokens: Float32Array.from({ length: Math.floor(random.uniform() * 10) * dimension }, () => random.normal()),
    truncated: index % 5 === 0,
    empty: false,
    ...(labels ? { label: `class "${index % 3}" é` } : {}),
  }));
}

async function write(list: readonly Document[], options: Partial<ShardWriterOptions> = {}): Promise<string> {
  const folder = join(temporaryFolder(), 'shards');
  const writer = new ShardWriter({ folder, record, ...options });
  for (const document of list) await writer.add(document);
  await writer.finish();
  return folder;
}

const open = async (folder: string): ReturnType<typeof openTokenShards> =>
  openTokenShards((await findTokenShards([folder]))!, true);

const joined = (list: readonly Document[]): Float32Array =>
  Float32Array.from(list.flatMap(({ tokens }) => [...tokens]));

describe('token shards', () => {
  it.each(['float16', 'float32'] as const)(
    'come back as they were, in %s, by tokens and by documents',
    async (dtype) => {
      const list = documents(200, true);
      const shardTokens = 50;
      const folder = await write(list, { dtype, shardTokens });
      expect(readdirSync(folder).length).toBeGreaterThan(10);
      const shards = await open(folder);
      const all = dtype === 'float32' ? joined(list) : fromFloat16(toFloat16(joined(list)));
      const tokens = all.length / dimension;
      expect([shards.reader.tokens, shards.reader.dimension, shards.sequences.sequences]).toEqual([
        tokens,
        dimension,
        200,
      ]);
      // Blocks within and across shards.
      const random = createRandom(7);
      for (let trial = 0; trial < 100; trial++) {
        const start = Math.floor(random.uniform() * tokens);
        const count = 1 + Math.floor(random.uniform() * Math.min(200, tokens - start));
        const { data, rows } = await shards.reader.read(start, count);
        expect(rows).toBe(count);
        expect(data).toEqual(all.subarray(start * dimension, (start + count) * dimension));
      }
      let place = 0;
      for (const [index, document] of list.entries()) {
        const count = document.tokens.length / dimension;
        expect([shards.sequences.lengths[index], shards.offsets[index]]).toEqual([count, place]);
        const { data, rows } = await shards.sequences.read(index);
        // A block of the other reader changes nothing.
        await shards.reader.read(0, 3);
        expect(rows).toBe(count);
        expect(data).toEqual(all.subarray(place * dimension, (place + count) * dimension));
        place += count;
      }
      expect(shards.offsets[200]).toBe(tokens);
      expect(shards.labels).toEqual(list.map(({ label }) => label));
      expect(shards.record).toEqual(record);
      expect(shards.counts).toEqual({ documents: 200, tokens, truncated: 40, empty: 0 });
      expect(shards.describe()).toContain('200 documents');
      await shards.close();
    },
  );

  it('are safetensors files with whole documents and no more tokens than asked for', async () => {
    const list = documents(100);
    const folder = await write(list, { shardTokens: 40 });
    const names = readdirSync(folder).sort();
    expect(names).toEqual(names.map((_, index) => `tokens-${String(index).padStart(5, '0')}.safetensors`));
    let document = 0;
    for (const name of names) {
      const bytes = new Uint8Array(readFileSync(join(folder, name)));
      const { tensors, metadata } = readSafetensors(bytes);
      expect([...tensors.keys()].sort()).toEqual(['offsets', 'tokens']);
      const tokens = tensors.get('tokens')!;
      const offsets = tensors.get('offsets')!.data as BigInt64Array;
      expect(tokens.dtype).toBe('F16');
      expect(tokens.shape).toEqual([Number(offsets.at(-1)), dimension]);
      expect(tokens.shape[0]).toBeLessThanOrEqual(40);
      expect(metadata['format']).toBe('ddcl.token-shards');
      for (let index = 1; index < offsets.length; index++, document++) {
        expect(Number(offsets[index]! - offsets[index - 1]!)).toBe(list[document]!.tokens.length / dimension);
      }
      // Byte for byte what core writes.
      expect(bytes).toEqual(writeSafetensors(tensors, metadata));
    }
    expect(document).toBe(100);
  });

  it('have a fingerprint of their numbers and labels', async () => {
    const fingerprint = async (...args: Parameters<typeof write>): Promise<string> => {
      const shards = await open(await write(...args));
      await shards.close();
      return shards.fingerprint;
    };
    const first = await fingerprint(documents(20));
    expect(await fingerprint(documents(20))).toBe(first);
    const others = [
      await fingerprint(documents(20, false, 2)),
      await fingerprint(documents(20, true)),
      await fingerprint(documents(20), { dtype: 'float32' }),
      await fingerprint(documents(21)),
    ];
    expect(new Set([first, ...others]).size).toBe(5);
  });

  it('hold a document longer than a shard, and documents without tokens alone', async () => {
    const long = { place: 'long', tokens: new Float32Array(30 * dimension).fill(1), truncated: false, empty: false };
    const none = { place: 'none', tokens: new Float32Array(0), truncated: false, empty: true };
    const shards = await open(await write([none, long, long, none], { shardTokens: 8 }));
    expect([...shards.sequences.lengths]).toEqual([0, 30, 30, 0]);
    expect((await shards.sequences.read(3)).rows).toBe(0);
    expect(shards.counts.empty).toBe(2);
    await shards.close();
    const empty = await open(await write([none, none]));
    expect([empty.reader.tokens, empty.reader.dimension]).toEqual([0, dimension]);
    await empty.close();
  });

  it('are told from other data files', async () => {
    const folder = await write(documents(30), { shardTokens: 40 });
    const files = readdirSync(folder).map((name) => join(folder, name));
    expect(await findTokenShards([folder])).toEqual(files.toSorted());
    expect(await findTokenShards(files)).toEqual(files);
    expect(await findTokenShards([join(folder, 'other.npy')])).toBeUndefined();
    const own = join(temporaryFolder(), 'tokens-00000.safetensors');
    const matrix = { dtype: 'F32', shape: [2, 2], data: new Float32Array(4) } as const;
    writeFileSync(own, writeSafetensors(new Map([['tokens', matrix]])));
    expect(await findTokenShards([own])).toBeUndefined();
    await expect(findTokenShards([temporaryFolder()])).rejects.toThrow(/is a folder without token shards/);
    await expect(findTokenShards([folder, files[0]!])).rejects.toThrow(
      /is a folder of token shards, which is read alone/,
    );
  });
});

describe('token shards that cannot be used', () => {
  const shardsOf = async (): Promise<{ folder: string; files: string[] }> => {
    const folder = await write(documents(60), { shardTokens: 40 });
    const files = readdirSync(folder)
      .sort()
      .map((name) => join(folder, name));
    expect(files.length).toBeGreaterThan(3);
    return { folder, files };
  };

  it('are refused when one is missing, whichever it is', async () => {
    const { folder, files } = await shardsOf();
    rmSync(files.at(-1)!);
    await expect(open(folder)).rejects.toThrow(/is not the last shard, but none comes after it/);
    rmSync(files[1]!);
    await expect(open(folder)).rejects.toThrow(/is shard 2, but shard 1 is missing/);
    // Named files need not be all.
    const some = await openTokenShards([files[2]!, files[0]!], false);
    await some.close();
  });

  it('are refused when damaged or of different runs', async () => {
    const { folder, files } = await shardsOf();
    const good = readFileSync(files[1]!);
    writeFileSync(files[1]!, good.subarray(0, good.length - 10));
    await expect(open(folder)).rejects.toMatchObject({ code: 'format' });
    const { tensors, metadata } = readSafetensors(new Uint8Array(good));
    const offsets = tensors.get('offsets')!;
    const wrong = new Map(tensors).set('offsets', {
      ...offsets,
      data: (offsets.data as BigInt64Array).map((value) => value + 1n),
    });
    writeFileSync(files[1]!, writeSafetensors(wrong, metadata));
    await expect(open(folder)).rejects.toThrow(/its documents do not fit its tokens/);
    writeFileSync(
      files[1]!,
      writeSafetensors(tensors, { ...metadata, encoder: JSON.stringify({ ...record, maxTokens: 8 }) }),
    );
    await expect(open(folder)).rejects.toThrow(/made by another encoder or with other options/);
    writeFileSync(files[1]!, writeSafetensors(tensors, { ...metadata, formatVersion: '2' }));
    await expect(open(folder)).rejects.toThrow(/no token shard of version 1/);
  });

  it('are not written from numbers beyond float16, labels for some, or nothing', async () => {
    const folder = join(temporaryFolder(), 'shards');
    const make = (options: Partial<ShardWriterOptions> = {}): ShardWriter =>
      new ShardWriter({ folder, record, shardTokens: 2, ...options });
    const [large] = [
      { place: 'doc 3', tokens: new Float32Array(dimension).fill(65520), truncated: false, empty: false },
    ];
    const remedy =
      'Write shards in float32: ddcl encode-tokens --token-dtype float32, whose folder every command takes in the place of text.';
    await expect(make().add(large)).rejects.toThrow(
      `doc 3, token 0 (counted from 0): the number 65520 is not in float16, whose largest is 65504. ${remedy}`,
    );
    const small = { ...large, tokens: new Float32Array(large.tokens.length).fill(2 ** -20) };
    await expect(make().add(small)).rejects.toThrow(
      `doc 3, token 0 (counted from 0): the number 9.5367431640625e-7 is the largest, and float16 loses what lies below 0.000061. ${remedy}`,
    );
    const largest = make();
    await largest.add({ ...large, tokens: large.tokens.fill(65519) });
    const writer = make();
    for (const document of documents(5)) await writer.add(document);
    await expect(writer.add({ ...documents(1)[0]!, label: 'a' })).rejects.toThrow(
      /has a label, but texts before it have none/,
    );
    expect(readdirSync(folder).length).toBeGreaterThan(0);
    await writer.abandon();
    expect(() => readdirSync(folder)).toThrow(/ENOENT/);
    await expect(make().finish()).rejects.toThrow(/There is no text/);
  });
});

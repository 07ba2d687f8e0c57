import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DdclError } from '@ddcl/core';
import { expect, it } from 'vitest';
import type { EncodedDocument } from '../../src/encoder/encode-documents.ts';
import type { Encoder } from '../../src/encoder/open-encoder.ts';
import type { TextDocument } from '../../src/text/text-document.ts';
import { temporaryFolder } from '../../src/token-shards/temporary-folder.ts';
import { writeTokenShards } from '../../src/token-shards/write-token-shards.ts';

/** Gives each document one token, and fails at one of them. */
function failingAt(bad: number): Encoder {
  const counts = { documents: 0, tokens: 0, truncated: 0, empty: 0 };
  return {
    dimension: 2,
    counts,
    record: { dimension: 2 },
    async *encode(documents: AsyncIterable<TextDocument>): AsyncGenerator<EncodedDocument> {
      for await (const { place } of documents) {
        if (counts.documents === bad) throw new DdclError('data', `${place}: the encoder fails (no memory).`);
        counts.documents++;
        yield { place, ids: Int32Array.of(1), tokens: Float32Array.of(1, 2), truncated: false, empty: false };
      }
    },
  } as unknown as Encoder;
}

async function* texts(): AsyncGenerator<TextDocument> {
  for (let line = 1; line <= 5; line++) yield { text: 'a', place: `x.jsonl line ${line}` };
}

it('what fails names its document and says that nothing is kept of those before it', async () => {
  const { path, remove } = await temporaryFolder();
  const folder = join(path, 'shards');
  try {
    const options = { folder, shardTokens: 1 };
    await expect(writeTokenShards(failingAt(3), texts(), options)).rejects.toMatchObject({
      code: 'data',
      message:
        'x.jsonl line 4: the encoder fails (no memory). Of the 3 documents that were encoded before nothing is kept.',
    });
    expect(existsSync(folder)).toBe(false);
    await expect(writeTokenShards(failingAt(0), texts(), options)).rejects.toMatchObject({
      message: 'x.jsonl line 1: the encoder fails (no memory).',
    });
  } finally {
    await remove();
  }
});

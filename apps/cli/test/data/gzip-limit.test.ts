import { gzipSync } from 'node:zlib';
import { expect, it, vi } from 'vitest';
import { textChunks } from '../../src/data/text-chunks.ts';
import { testFolder } from '../commands/support.ts';

const folder = testFolder();

it('a packed file may become so much and no more', async () => {
  const path = folder.write('zeros.csv.gz', gzipSync(Buffer.alloc(3 << 20, '0')));
  const read = async (): Promise<number> => {
    let count = 0;
    for await (const text of textChunks(path, { gzipped: true })) count += text.length;
    return count;
  };
  expect(await read()).toBe(3 << 20);
  vi.stubEnv('DDCL_MAX_UNPACKED_MB', '2');
  try {
    await expect(read()).rejects.toThrow(
      /zeros\.csv\.gz: unpacks to more than 2 MiB, which is much for its \d+ bytes\./,
    );
  } finally {
    vi.unstubAllEnvs();
  }
});

import { readFileSync } from 'node:fs';
import { createRandom } from '@ddcl/core';
import { packIndices, type EncodedCodes } from '@ddcl/vq';
import { describe, expect, it } from 'vitest';
import { bytesPerVector, openCodes, writeCodes } from '../../src/vq/codes-file.ts';
import { testFolder } from '../commands/support.ts';

const folder = testFolder();
const codes = [5, 300, 2];
const checksum = '0123456789abcdef';
/** More than the vectors that are unpacked at once, and no multiple of 8. */
const count = 8192 + 8 * 40 + 3;
const random = createRandom(3);
const indices = Int32Array.from({ length: count * codes.length }, (_, index) => random.integer(codes[index % 3]!));

async function* blocksOf(sizes: readonly number[]): AsyncGenerator<EncodedCodes> {
  let first = 0;
  for (let turn = 0; first < count; turn++) {
    const rows = Math.min(sizes[turn % sizes.length]!, count - first);
    yield { first, rows, indices: indices.slice(first * codes.length, (first + rows) * codes.length) };
    first += rows;
  }
}

describe('files of codes', () => {
  it.each([[[1000, 3, 1, 17]], [[8]], [[count]]])(
    'blocks of %j vectors make the same bytes as all at once',
    async (sizes) => {
      const path = folder.at('blocks.codes');
      await writeCodes(path, { codes, checksum }, count, blocksOf(sizes));
      expect(readFileSync(path)).toEqual(Buffer.from(packIndices(indices, codes, checksum)));
    },
  );

  it('are read back exactly, in several pieces', async () => {
    const path = folder.write('whole.codes', packIndices(indices, codes, checksum));
    const opened = await openCodes(path);
    const read: number[] = [];
    let pieces = 0;
    for await (const piece of opened.blocks()) {
      for (const index of piece) read.push(index);
      pieces++;
    }
    await opened.close();
    expect(pieces).toBe(2);
    expect(opened).toMatchObject({ codes, count, checksum });
    expect(Int32Array.from(read)).toEqual(indices);
  });

  it('takes 3 + 9 + 1 bits for codes of 5, 300 and 2', () => {
    expect(bytesPerVector(codes)).toBe(13 / 8);
  });
});

import { packIndices, unpackIndices } from '@ddcl/vq';
import { openCodes } from '@ddcl/cli/dist/vq/codes-file.js';
import { requireEqual, type Reader } from './reader.ts';
import { temporaryFile } from './temporary-file.ts';

const indices = (codes: readonly number[], count: number): number[] =>
  Array.from({ length: count * codes.length }, (_, index) => (index * 7) % codes[index % codes.length]!);

const seeds = (): Uint8Array[] =>
  [
    [[3], 5],
    [[16, 16], 8],
    [[2, 1000, 5], 9],
    [[2 ** 31 - 1], 3],
    [[4, 4, 4, 4], 0],
  ].map(([codes, count], index) => {
    const list = codes as number[];
    return packIndices(indices(list, count as number), list, index === 1 ? '0123456789abcdef' : undefined);
  });

/** The file as commands read it, block by block, against the bytes unpacked at once. */
const readers: Reader[] = [
  {
    name: 'codes',
    seeds,
    mutations: [],
    async read(bytes) {
      const opened = await openCodes(temporaryFile('x.codes', bytes));
      const found: number[] = [];
      try {
        for await (const block of opened.blocks()) for (const index of block) found.push(index);
      } finally {
        await opened.close();
      }
      requireEqual('block by block', found, [...unpackIndices(bytes).indices]);
      requireEqual('packed again', packIndices(found, opened.codes, opened.checksum), bytes);
    },
  },
];
export default readers;

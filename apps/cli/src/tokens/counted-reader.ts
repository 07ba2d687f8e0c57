import type { TokenReader } from '@ddcl/core/fit';

/**
 * A reader that tells how far it was read.
 *
 * @param onRows called with the number of tokens up to the last one that was read
 */
export function countedReader(reader: TokenReader, onRows: (tokens: number) => void): TokenReader {
  const { dimension, tokens } = reader;
  return {
    dimension,
    tokens,
    async read(start, count) {
      const block = await reader.read(start, count);
      onRows(start + block.rows);
      return block;
    },
    ...(reader.readHalf === undefined
      ? {}
      : {
          async readHalf(start: number, target: Uint16Array) {
            await reader.readHalf!(start, target);
            onRows(start + target.length / dimension);
          },
        }),
  };
}

import type { TokenReader } from '@ddcl/core/fit';
import { createFloats, type TokenDType } from './float-array.ts';

/**
 * Readers of one dimension as a single reader, one after another. A block that lies in one of them is passed on
 * as it is; others are copied together.
 *
 * @param readers at least one
 */
export function joinReaders(readers: readonly TokenReader[], dtype: TokenDType): TokenReader {
  const only = readers[0]!;
  if (readers.length === 1) return only;
  const { dimension } = only;
  const starts = [0];
  for (const { tokens } of readers) starts.push(starts.at(-1)! + tokens);
  let joined = createFloats(dtype, 0);

  /** The reader that a row is in; a row at the very end belongs to the last one. */
  const readerOf = (row: number): number =>
    Math.min(
      starts.findLastIndex((first) => first <= row),
      readers.length - 1,
    );

  return {
    dimension,
    tokens: starts.at(-1)!,
    async read(start, count) {
      let index = readerOf(start);
      if (start + count <= starts[index + 1]!) return readers[index]!.read(start - starts[index]!, count);
      if (joined.length < count * dimension) joined = createFloats(dtype, count * dimension);
      for (let done = 0; done < count; index++) {
        const from = start + done - starts[index]!;
        const part = Math.min(count - done, readers[index]!.tokens - from);
        const block = await readers[index]!.read(from, part);
        joined.set(block.data, done * dimension);
        done += part;
      }
      return { data: joined.subarray(0, count * dimension), rows: count };
    },
    ...(readers.every(({ readHalf }) => readHalf !== undefined)
      ? {
          async readHalf(start: number, target: Uint16Array) {
            const count = target.length / dimension;
            for (let done = 0, index = readerOf(start); done < count; index++) {
              const from = start + done - starts[index]!;
              const part = Math.min(count - done, readers[index]!.tokens - from);
              await readers[index]!.readHalf!(from, target.subarray(done * dimension, (done + part) * dimension));
              done += part;
            }
          },
        }
      : {}),
  };
}

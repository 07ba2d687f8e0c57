import { createRandom } from '../random/random.ts';
import { halfPass } from './half-pass.ts';
import { poolRows, shufflePools } from './shuffle-pool.ts';
import type { PassOrder, TokenBlock, TokenReader, TokenSource } from './token-source.ts';

/** A pool is filled from this many chunks that lie far apart, so that sorted data are mixed too. */
const chunksPerPool = 32;

/** Random-access tokens as a source. A shuffled pass reads chunks in random order and shuffles rows within pools of them. */
export function tokensFromReader(reader: TokenReader): TokenSource {
  const { dimension, tokens } = reader;
  const capacity = Math.min(poolRows(dimension), Math.max(1, tokens));
  const rows = Math.max(1, Math.ceil(capacity / chunksPerPool));

  async function* chunks(order: Int32Array | undefined): AsyncGenerator<TokenBlock> {
    const count = Math.ceil(tokens / rows);
    for (let index = 0; index < count; index++) {
      const start = (order === undefined ? index : order[index]!) * rows;
      yield reader.read(start, Math.min(rows, tokens - start));
    }
  }

  const source: TokenSource = {
    dimension,
    tokens,
    blocks(order: PassOrder) {
      if (order === 'stored') return chunks(undefined);
      const random = createRandom(order.seed);
      const chunkOrder = random.fork('chunks').permutation(Math.ceil(tokens / rows));
      return shufflePools(chunks(chunkOrder), dimension, capacity, random.fork('rows'));
    },
  };
  if (reader.readHalf === undefined) return source;
  const halves = {
    dimension,
    read: (start: number, count: number) => reader.read(start, count),
    readHalf: (start: number, target: Uint16Array) => reader.readHalf!(start, target),
  };
  return { ...source, halfBlocks: (order) => halfPass(halves, { tokens, rows, capacity }, order) };
}

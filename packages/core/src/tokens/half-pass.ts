import { createRandom } from '../random/random.ts';
import { internalError } from '../errors/ddcl-error.ts';
import { fromFloat16 } from '../numbers/float16.ts';
import { checkBlock } from './check-block.ts';
import { halvesAreFinite } from '../numbers/finite-halves.ts';
import { firstNonFinite } from '../numbers/first-non-finite.ts';
import { mixedRows } from './shuffle-pool.ts';
import type { HalfBlock, PassOrder, TokenReader } from './token-source.ts';

/** How a pass goes over the tokens of a reader. */
export interface PassSizes {
  readonly tokens: number;
  /** Tokens of a chunk, which lie together; chunks are what is put in random order. */
  readonly rows: number;
  /** Tokens of a pool, which are shuffled. */
  readonly capacity: number;
}

/** Tokens that lie together: where they are stored, and how many. */
interface Piece {
  readonly start: number;
  readonly count: number;
}

/** What a pass needs of a reader that keeps tokens in half precision. */
type HalfReader = Pick<TokenReader, 'read' | 'dimension'> & { readonly readHalf: NonNullable<TokenReader['readHalf']> };

/**
 * One pass in half precision, in the order of the pass in numbers. The next pool is read while the last one is worked on, so that
 * reading takes no time of its own where the two need different parts of the machine.
 *
 * @throws DdclError `data` for tokens that are not finite, named as the reader names them if it looks, else by their place in stored order
 */
export async function* halfPass(reader: HalfReader, sizes: PassSizes, order: PassOrder): AsyncGenerator<HalfBlock> {
  const { tokens, rows, capacity } = sizes;
  const { dimension } = reader;
  const random = order === 'stored' ? undefined : createRandom(order.seed);
  const chunkOrder = random?.fork('chunks').permutation(Math.ceil(tokens / rows));
  const rowOrder = random?.fork('rows');
  const pieces = piecesOf(sizes, chunkOrder);
  const pools = [new Uint16Array(capacity * dimension), new Uint16Array(capacity * dimension)] as const;

  const fill = async (target: Uint16Array): Promise<Filled> => {
    const filled: Piece[] = [];
    const reads: Promise<void>[] = [];
    let count = 0;
    for (let piece = pieces(capacity); piece !== undefined; piece = pieces(capacity - count)) {
      reads.push(reader.readHalf(piece.start, target.subarray(count * dimension, (count + piece.count) * dimension)));
      filled.push(piece);
      count += piece.count;
      if (count === capacity) break;
    }
    // All come to their end before one that failed is told: nothing may go on reading then.
    for (const read of await Promise.allSettled(reads)) if (read.status === 'rejected') throw read.reason;
    return { pool: target.subarray(0, count * dimension), pieces: filled };
  };

  let next = fill(pools[0]);
  try {
    for (let turn = 0; ; turn++) {
      const { pool, pieces: filled } = await next;
      if (filled.length === 0) return;
      next = fill(pools[(turn + 1) % 2]!);
      // It is looked at in its turn; until then its failure is nobody's.
      next.catch(() => {});
      if (!halvesAreFinite(pool)) await refuse(reader, pool, filled);
      if (rowOrder === undefined) yield { data: pool, rows: pool.length / dimension, finite: true };
      else
        for (const data of mixedRows(pool, dimension, rowOrder))
          yield { data, rows: data.length / dimension, finite: true };
    }
  } finally {
    // A pass that is left early must not go on reading from what its owner closes.
    await next.catch(() => {});
  }
}

/** A pool, and where its rows are stored. */
interface Filled {
  readonly pool: Uint16Array;
  readonly pieces: readonly Piece[];
}

/** Names the first token of a pool that is not finite. */
async function refuse(reader: HalfReader, pool: Uint16Array, pieces: readonly Piece[]): Promise<never> {
  const { dimension } = reader;
  let row = Math.floor(firstNonFinite(fromFloat16(pool)) / dimension);
  const numbers = fromFloat16(pool.slice(row * dimension, (row + 1) * dimension));
  const piece = pieces.find(({ count }) => {
    if (row < count) return true;
    row -= count;
    return false;
  })!;
  // A reader of files knows the file and the row in it.
  await reader.read(piece.start + row, 1);
  checkBlock({ data: numbers, rows: 1 }, dimension, piece.start + row);
  throw internalError('numbers in half precision were taken for finite and for not finite');
}

/** Gives the pieces of a pass one after another, each of at most as many tokens as asked for; undefined at the end. */
function piecesOf(
  { tokens, rows }: PassSizes,
  chunkOrder: Int32Array | undefined,
): (most: number) => Piece | undefined {
  let chunk = 0;
  let taken = 0;
  if (chunkOrder === undefined) {
    // In stored order all lie together: one read a pool.
    return (most) => {
      const piece = { start: taken, count: Math.min(most, tokens - taken) };
      taken += piece.count;
      return piece.count === 0 ? undefined : piece;
    };
  }
  return (most) => {
    if (chunk === chunkOrder.length) return undefined;
    const first = chunkOrder[chunk]! * rows;
    const length = Math.min(rows, tokens - first);
    const piece = { start: first + taken, count: Math.min(most, length - taken) };
    taken += piece.count;
    if (taken === length) {
      chunk++;
      taken = 0;
    }
    return piece;
  };
}

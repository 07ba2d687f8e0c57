import { createRandom } from '../random/random.ts';
import { mixedRows } from './shuffle-pool.ts';
import type { HalfBlock, PassOrder } from './token-source.ts';

/** How a pass goes over the tokens of a reader. */
export interface PassSizes {
  readonly dimension: number;
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

/**
 * One pass in half precision, in the order of the pass in numbers. The next pool is read while the last one is worked on, so that
 * reading takes no time of its own where the two need different parts of the machine.
 *
 * @param read fills whole rows from a start on; calls overlap
 */
export async function* halfPass(
  read: (start: number, target: Uint16Array) => Promise<void>,
  sizes: PassSizes,
  order: PassOrder,
): AsyncGenerator<HalfBlock> {
  const { dimension, tokens, rows, capacity } = sizes;
  const random = order === 'stored' ? undefined : createRandom(order.seed);
  const chunkOrder = random?.fork('chunks').permutation(Math.ceil(tokens / rows));
  const rowOrder = random?.fork('rows');
  const pieces = piecesOf(sizes, chunkOrder);
  const pools = [new Uint16Array(capacity * dimension), new Uint16Array(capacity * dimension)] as const;

  const fill = async (target: Uint16Array): Promise<number> => {
    const reads: Promise<void>[] = [];
    let filled = 0;
    for (let piece = pieces(capacity); piece !== undefined; piece = pieces(capacity - filled)) {
      reads.push(read(piece.start, target.subarray(filled * dimension, (filled + piece.count) * dimension)));
      filled += piece.count;
      if (filled === capacity) break;
    }
    await Promise.all(reads);
    return filled;
  };

  let next = fill(pools[0]);
  try {
    for (let turn = 0; ; turn++) {
      const filled = await next;
      if (filled === 0) return;
      next = fill(pools[(turn + 1) % 2]!);
      // It is looked at in its turn; until then its failure is nobody's.
      next.catch(() => {});
      const pool = pools[turn % 2]!.subarray(0, filled * dimension);
      if (rowOrder === undefined) yield { data: pool, rows: filled };
      else for (const data of mixedRows(pool, dimension, rowOrder)) yield { data, rows: data.length / dimension };
    }
  } finally {
    // A pass that is left early must not go on reading from what its owner closes.
    await next.catch(() => {});
  }
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

import { DdclError } from '../errors/ddcl-error.ts';
import { checkRows, type RowData } from '../linalg/rows.ts';
import type { Random } from '../random/random.ts';

/** What a reservoir holds, in stream order. */
export interface ReservoirSample {
  /** Number of rows, at most the capacity. */
  readonly count: number;
  /** count x dimension, a copy. */
  readonly rows: Float64Array;
  /** Weight of each row, > 0; 1 where none was given. */
  readonly weights: Float64Array;
  /** Position in the stream of each row, ascending. Skipped rows count as positions. */
  readonly indices: Float64Array;
}

/** A uniform sample without replacement from a stream of rows whose length is not known. */
export interface Reservoir {
  readonly capacity: number;
  readonly dimension: number;
  /** Rows that came so far, those of weight 0 included. */
  readonly seen: number;
  /**
   * Offers rows, one or many.
   *
   * @param data rows x dimension, row-major; any number of rows, also none. Values are not checked.
   * @param weights one per row, >= 0; rows of weight 0 (padding) are skipped. Otherwise weights make no difference.
   * @throws DdclError `shape` when `data` is not whole rows or `weights` has another length,
   *   `data` when a weight is negative or not finite. Then nothing was added.
   */
  add(data: RowData, weights?: RowData): void;
  /**
   * The same for rows that are made only when they are kept.
   *
   * @param rowAt row of a given place in this offer, `dimension` numbers; used before the next call
   */
  offer(count: number, rowAt: (row: number) => RowData, weights?: RowData): void;
  /** The sample so far. Which rows are in it is uniformly random; their order is the stream's, so not random. */
  sample(): ReservoirSample;
}

/**
 * A reservoir for `capacity` rows of `dimension` numbers (algorithm R: A. Waterman, in Knuth, TAOCP vol. 2,
 * 3.4.2). Memory: at most capacity x dimension x 8 bytes, taken as rows come.
 *
 * The sample depends on `random` and on the rows of positive weight alone: not on how the stream was cut into
 * blocks, nor on padding. It uses `random.fork('reservoir')`, so `random` stays untouched; give two
 * reservoirs different forks, or they make the same choices.
 *
 * @throws DdclError `argument` unless both numbers are integers >= 1.
 */
export function createReservoir(capacity: number, dimension: number, random: Random): Reservoir {
  for (const [name, value] of [
    ['capacity', capacity],
    ['dimension', dimension],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new DdclError('argument', `The ${name} of a reservoir must be an integer >= 1, but ${value} came.`);
    }
  }
  const own = random.fork('reservoir');
  const indices: number[] = [];
  const weightOfSlot: number[] = [];
  let rows = new Float64Array(0);
  let seen = 0;
  let eligible = 0;

  function slotOfNext(): number {
    eligible += 1;
    if (eligible <= capacity) return eligible - 1;
    return own.integer(eligible);
  }

  function keep(slot: number, row: RowData, weight: number): void {
    const end = (slot + 1) * dimension;
    if (end > rows.length) {
      const grown = new Float64Array(Math.min(capacity * dimension, Math.max(end, 2 * rows.length)));
      grown.set(rows);
      rows = grown;
    }
    rows.set(row, slot * dimension);
    indices[slot] = seen;
    weightOfSlot[slot] = weight;
  }

  return {
    capacity,
    dimension,
    get seen() {
      return seen;
    },
    add(data, weights) {
      const count = checkRows(data.length, dimension, weights);
      this.offer(count, (row) => data.subarray(row * dimension, (row + 1) * dimension), weights);
    },
    offer(count, rowAt, weights) {
      checkRows(count * dimension, dimension, weights);
      for (let row = 0; row < count; row += 1) {
        if (weights === undefined || (weights[row] as number) > 0) {
          const slot = slotOfNext();
          if (slot < capacity) keep(slot, rowAt(row), weights?.[row] ?? 1);
        }
        seen += 1;
      }
    },
    sample() {
      const order = indices.map((_, slot) => slot).sort((a, b) => (indices[a] as number) - (indices[b] as number));
      const sorted = new Float64Array(order.length * dimension);
      order.forEach((slot, i) => sorted.set(rows.subarray(slot * dimension, (slot + 1) * dimension), i * dimension));
      return {
        count: order.length,
        rows: sorted,
        weights: Float64Array.from(order, (slot) => weightOfSlot[slot] as number),
        indices: Float64Array.from(order, (slot) => indices[slot] as number),
      };
    },
  };
}

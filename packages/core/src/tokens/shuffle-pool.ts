import type { Random } from '../random/random.ts';
import type { TokenBlock } from './token-source.ts';

/** Rows are shuffled within pools of about this many numbers, so memory stays bounded whatever the number of tokens. */
const poolElements = 1 << 22;

/** A shuffled pool is given out in blocks of about this many numbers: whoever takes one finds it in the caches. */
const blockElements = 1 << 18;

/** Rows of a pool for tokens of a dimension: enough to mix, few enough to hold. */
export function poolRows(dimension: number): number {
  return Math.min(1 << 16, Math.max(1024, Math.floor(poolElements / dimension)));
}

/** Numbers of rows, or their bits in half precision. */
type Rows = Float32Array | Float64Array | Uint16Array;

/**
 * Collects blocks until `capacity` rows are there, then gives them out in random order. A block is valid until the next one.
 * The order depends on the random stream and the number of rows alone, not on how the stream was cut into blocks.
 */
export async function* shufflePools(
  blocks: AsyncIterable<TokenBlock>,
  dimension: number,
  capacity: number,
  random: Random,
): AsyncGenerator<TokenBlock> {
  let pool: Float32Array | Float64Array | undefined;
  let weights: Float64Array | undefined;
  let weighted = false;
  let filled = 0;

  function* flush(): Generator<TokenBlock> {
    for (const { data, order } of mix(pool!.subarray(0, filled * dimension), dimension, random)) {
      const block = { data, rows: order.length };
      yield weighted ? { ...block, weights: Float64Array.from(order, (row) => weights![row]!) } : block;
    }
    filled = 0;
  }

  for await (const block of blocks) {
    pool ??=
      block.data instanceof Float32Array
        ? new Float32Array(capacity * dimension)
        : new Float64Array(capacity * dimension);
    weights ??= new Float64Array(capacity).fill(1);
    if (block.weights !== undefined) weighted = true;
    let taken = 0;
    while (taken < block.rows) {
      const count = Math.min(capacity - filled, block.rows - taken);
      pool.set(block.data.subarray(taken * dimension, (taken + count) * dimension), filled * dimension);
      for (let row = 0; row < count; row++) weights[filled + row] = block.weights?.[taken + row] ?? 1;
      taken += count;
      filled += count;
      if (filled === capacity) yield* flush();
    }
  }
  if (filled > 0) yield* flush();
}

/** The rows of a pool in half precision in random order, as {@link shufflePools} gives those of one in numbers. */
export function* mixedRows(pool: Uint16Array, dimension: number, random: Random): Generator<Uint16Array> {
  for (const { data } of mix(pool, dimension, random)) yield data;
}

/** Rows in random order, in parts that fit the caches: copies, and which rows they are. Both are valid until the next part. */
function* mix<Data extends Rows>(
  pool: Data,
  dimension: number,
  random: Random,
): Generator<{ data: Data; order: Int32Array }> {
  const rows = pool.length / dimension;
  const most = Math.max(1, Math.min(rows, Math.floor(blockElements / dimension)));
  const order = random.permutation(rows);
  const mixed = pool.slice(0, most * dimension) as Data;
  for (let start = 0; start < rows; start += most) {
    const part = order.subarray(start, start + most);
    part.forEach((from, row) => copyRow(pool, from * dimension, mixed, row * dimension, dimension));
    yield { data: mixed.subarray(0, part.length * dimension) as Data, order: part };
  }
}

/** A view per row costs more than copying a short row number by number, and less than that for a long one. */
const longRow = 32;

function copyRow(source: Rows, from: number, target: Rows, to: number, dimension: number): void {
  if (dimension >= longRow) target.set(source.subarray(from, from + dimension), to);
  else for (let axis = 0; axis < dimension; axis++) target[to + axis] = source[from + axis]!;
}

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

  let mixed: Float32Array | Float64Array | undefined;
  const most = Math.max(1, Math.min(capacity, Math.floor(blockElements / dimension)));
  const mixedWeights = new Float64Array(most);

  function* flush(): Generator<TokenBlock> {
    const source = pool!;
    mixed ??= source instanceof Float32Array ? new Float32Array(most * dimension) : new Float64Array(most * dimension);
    const order = random.permutation(filled);
    for (let start = 0; start < filled; start += most) {
      const rows = Math.min(most, filled - start);
      for (let row = 0; row < rows; row++) {
        const from = order[start + row]!;
        copyRow(source, from * dimension, mixed, row * dimension, dimension);
        if (weighted) mixedWeights[row] = weights![from]!;
      }
      const block = { data: mixed.subarray(0, rows * dimension), rows };
      yield weighted ? { ...block, weights: mixedWeights.subarray(0, rows) } : block;
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

/** A view per row costs more than copying a short row number by number, and less than that for a long one. */
const longRow = 32;

function copyRow(
  source: Float32Array | Float64Array,
  from: number,
  target: Float32Array | Float64Array,
  to: number,
  dimension: number,
): void {
  if (dimension >= longRow) target.set(source.subarray(from, from + dimension), to);
  else for (let axis = 0; axis < dimension; axis++) target[to + axis] = source[from + axis]!;
}

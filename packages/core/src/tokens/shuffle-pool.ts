import type { Random } from '../random/random.ts';
import type { TokenBlock } from './token-source.ts';

/** Rows are shuffled within pools of about this many numbers, so memory stays bounded whatever the number of tokens. */
const poolElements = 1 << 22;

/** Rows of a pool for tokens of a dimension: enough to mix, few enough to hold. */
export function poolRows(dimension: number): number {
  return Math.min(1 << 16, Math.max(1024, Math.floor(poolElements / dimension)));
}

/**
 * Collects blocks until `capacity` rows are there, then gives them out in random order.
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

  const flush = (): TokenBlock => {
    const source = pool!;
    const data =
      source instanceof Float32Array ? new Float32Array(filled * dimension) : new Float64Array(filled * dimension);
    const order = random.permutation(filled);
    const shuffledWeights = new Float64Array(weighted ? filled : 0);
    for (let row = 0; row < filled; row++) {
      const from = order[row]!;
      copyRow(source, from * dimension, data, row * dimension, dimension);
      if (weighted) shuffledWeights[row] = weights![from]!;
    }
    const block = { data, rows: filled };
    filled = 0;
    return weighted ? { ...block, weights: shuffledWeights } : block;
  };

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
      if (filled === capacity) yield flush();
    }
  }
  if (filled > 0) yield flush();
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

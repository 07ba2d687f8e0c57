import { fromFloat16 } from '../numbers/float16.ts';
import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import { cast } from '../program/ops/create.ts';
import { mul, sub } from '../program/ops/elementwise.ts';
import { matmul } from '../program/ops/matmul.ts';
import { reshape } from '../program/ops/layout.ts';
import { sum } from '../program/ops/reduce.ts';
import { tensorType } from '../program/tensor-type.ts';
import { trace } from '../program/trace.ts';
import { mapRows } from '../tokens/device-blocks.ts';
import type { HalfBlock, TokenBlock } from '../tokens/token-source.ts';

/** Rows of one product, at most. */
const mostRows = 4096;

/** From this many multiplications on, the covariance is summed on the backend: less takes a second on the host, in float64. */
const hostProducts = 2 ** 33;

/** Whether `tokens` of a dimension are so many that {@link createDeviceCovariance} pays. */
export function paysOnDevice(tokens: number | undefined, dimension: number): boolean {
  return tokens !== undefined && tokens * dimension * dimension >= hostProducts;
}

/** Sums for mean and covariance, by products on a backend. */
export interface DeviceCovariance {
  /** Sum of the weights so far. */
  readonly weight: number;
  /** Adds tokens; the block is copied. Tokens of weight 0 may hold anything. */
  add(block: TokenBlock | HalfBlock): Promise<void>;
  /** Mean [m] and covariance [m, m], symmetric, per unit of weight. */
  result(): Promise<{ readonly mean: Float64Array; readonly covariance: Float64Array }>;
  dispose(): void;
}

/**
 * Sums `a (z - s)(z - s)^T` in float32 products of a few thousand tokens, added up in float64. s is the mean of the first block, near
 * enough to the others that float32 loses about 1e-6 of the largest entry. Tokens in half precision go to the device as they are; from
 * others s is taken off here, before they are rounded.
 *
 * @param half whether the blocks are in half precision
 */
export async function createDeviceCovariance(
  backend: Backend,
  dimension: number,
  half: boolean,
): Promise<DeviceCovariance> {
  const rows = Math.max(1, Math.min(mostRows, Math.floor(backend.capabilities.maxBufferBytes / (4 * dimension))));
  const program = trace(
    [
      tensorType(half ? 'float16' : 'float32', [rows, dimension]),
      tensorType('float32', [rows]),
      ...(half ? [tensorType('float32', [dimension])] : []),
    ],
    (tokens, weights, shift) => {
      const centred = shift === undefined ? tokens : sub(cast(tokens, 'float32'), shift);
      const weighted = mul(centred, reshape(weights, [rows, 1]));
      return [matmul(weighted, centred, { transposeA: true }), sum(weighted, [0])];
    },
    'covariance',
  );
  const executable = await backend.compile(program);
  const tokens = half ? new Uint16Array(rows * dimension) : new Float32Array(rows * dimension);
  const weights = new Float32Array(rows);
  const second = new Float64Array(dimension * dimension);
  const first = new Float64Array(dimension);
  let weight = 0;
  let filled = 0;
  /** What all are taken relative to; float32 numbers for tokens in half precision, since the device takes it off. */
  let origin: Float64Array | undefined;
  let shift: DeviceBuffer | undefined;

  const flush = async (): Promise<void> => {
    if (filled === 0) return;
    weights.fill(0, filled);
    const inputs = [
      backend.upload({ dtype: half ? 'float16' : 'float32', shape: [rows, dimension] }, tokens),
      backend.upload({ dtype: 'float32', shape: [rows] }, weights),
      ...(shift === undefined ? [] : [shift]),
    ];
    filled = 0;
    const results = await executable.run(inputs, { donate: [0, 1] });
    const [products, sums] = await Promise.all(results.map((result) => backend.download(result)));
    for (const result of results) backend.free(result);
    for (let index = 0; index < second.length; index++) second[index]! += products![index]!;
    for (let axis = 0; axis < dimension; axis++) first[axis]! += sums![axis]!;
  };

  return {
    get weight() {
      return weight;
    },
    async add(block) {
      for (let row = 0; row < block.rows;) {
        // All that fit, or the next one of those that have weights: any may be 0.
        const count = block.weights === undefined ? Math.min(rows - filled, block.rows - row) : 1;
        const own = block.weights?.[row] ?? 1;
        const start = row * dimension;
        row += count;
        if (own === 0) continue;
        origin ??= half ? Float64Array.from(Float32Array.from(meanOf(block, dimension))) : meanOf(block, dimension);
        if (block.data instanceof Uint16Array) {
          shift ??= backend.upload({ dtype: 'float32', shape: [dimension] }, Float32Array.from(origin));
          tokens.set(block.data.subarray(start, start + count * dimension), filled * dimension);
        } else mapRows(block.data, start, tokens as Float32Array, filled * dimension, count, origin, 1);
        weights.fill(own, filled, filled + count);
        weight += own * count;
        filled += count;
        if (filled === rows) await flush();
      }
    },
    async result() {
      await flush();
      const covariance = new Float64Array(second.length);
      for (let i = 0; i < dimension; i++) {
        for (let j = i; j < dimension; j++) {
          // Both halves were summed; their rounding differs.
          const both = (second[i * dimension + j]! + second[j * dimension + i]!) / 2;
          const value = both / weight - (first[i]! / weight) * (first[j]! / weight);
          covariance[i * dimension + j] = i === j ? Math.max(0, value) : value;
          covariance[j * dimension + i] = covariance[i * dimension + j]!;
        }
      }
      return { mean: first.map((total, axis) => total / weight + (origin?.[axis] ?? 0)), covariance };
    },
    dispose() {
      if (shift !== undefined) backend.free(shift);
      executable.dispose();
    },
  };
}

/** The mean of a block's tokens of positive weight, each counted once. */
function meanOf({ data, rows, weights }: TokenBlock | HalfBlock, dimension: number): Float64Array {
  const mean = new Float64Array(dimension);
  let counted = 0;
  for (let row = 0; row < rows; row++) {
    if (weights?.[row] === 0) continue;
    counted++;
    const bits = data.subarray(row * dimension, (row + 1) * dimension);
    const numbers = bits instanceof Uint16Array ? fromFloat16(bits) : bits;
    for (let axis = 0; axis < dimension; axis++) mean[axis]! += (numbers[axis]! - mean[axis]!) / counted;
  }
  return mean;
}

import type { Backend } from '../backend/contract.ts';
import type { Moments } from '../linalg/covariance.ts';
import { fromFloat16 } from '../numbers/float16.ts';
import { tokenPass } from '../pass/token-pass.ts';
import { tokenProgram } from '../pass/token-program.ts';
import { mul } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { sum } from '../program/ops/reduce.ts';
import { scaleWeights, weightFactor } from '../tokens/scale-weights.ts';
import type { HalfBlock, TokenBlock, TokenSource } from '../tokens/token-source.ts';

/** Rows of one product, at most: its result is [m, m], so few large products. */
const mostRows = 4096;

/** From this many multiplications on, the covariance is summed on the backend: less takes a quarter of a second on the host, in float64. */
const hostProducts = 2 ** 31;

/** Whether `tokens` of a dimension are so many that {@link deviceMoments} pays. */
export function paysOnDevice(tokens: number | undefined, dimension: number): boolean {
  return tokens !== undefined && tokens * dimension * dimension >= hostProducts;
}

/**
 * Sums `a (z - s)(z - s)^T` in float32 products of a few thousand tokens, added up in float64. s is the mean of the first block, near
 * enough to the others that float32 loses about 1e-6 of the largest entry. Tokens in half precision go to the device as they are; from
 * others s is taken off on the host, before they are rounded. Undefined without tokens of positive weight.
 *
 * @param near what s is read from, where that is not the source itself
 */
export async function deviceMoments(
  backend: Backend,
  source: TokenSource,
  near: TokenSource = source,
): Promise<Omit<Moments, 'rows'> | undefined> {
  const { dimension } = source;
  const rows = Math.max(1, Math.min(mostRows, Math.floor(backend.capabilities.maxBufferBytes / (4 * dimension))));
  const { mean: offset, weight: typical } = await firstMean(near);
  const frame = { offset, scale: 1 };
  const unit = weightFactor(typical);
  const pass = tokenPass(backend, scaleWeights(source, unit), { dtype: 'float32', frame, width: dimension, rows });
  try {
    const products = await pass.compile(
      tokenProgram('covariance', [], (tokens, weights) => {
        const weighted = mul(tokens, reshape(weights, [rows, 1]));
        return { sums: [matmul(weighted, tokens, { transposeA: true }), sum(weighted, [0])] };
      }),
    );
    const { sums, weight } = await products.sum([]);
    if (!(weight > 0)) return undefined;
    const [second, first] = sums as [Float64Array, Float64Array];
    const covariance = new Float64Array(second.length);
    let trace = 0;
    for (let i = 0; i < dimension; i++) {
      for (let j = i; j < dimension; j++) {
        // Both halves were summed; their rounding differs.
        const both = (second[i * dimension + j]! + second[j * dimension + i]!) / 2;
        const value = both / weight - (first[i]! / weight) * (first[j]! / weight);
        covariance[i * dimension + j] = i === j ? Math.max(0, value) : value;
        covariance[j * dimension + i] = covariance[i * dimension + j]!;
      }
      trace += covariance[i * (dimension + 1)]!;
    }
    const mean = first.map((value, axis) => value / weight + pass.frame.offset[axis]!);
    return { weight: weight / unit, mean, covariance, trace };
  } finally {
    pass.dispose();
  }
}

/** The means of the tokens of positive weight, each counted once, and of these weights, in the first block that has one. */
async function firstMean(source: TokenSource): Promise<{ mean: Float64Array; weight: number }> {
  const { dimension } = source;
  const mean = new Float64Array(dimension);
  const blocks: AsyncIterable<TokenBlock | HalfBlock> = source.halfBlocks?.('stored') ?? source.blocks('stored');
  let counted = 0;
  let weight = 1;
  for await (const { data, rows, weights } of blocks) {
    for (let row = 0; row < rows; row++) {
      if (weights?.[row] === 0) continue;
      counted++;
      weight += ((weights?.[row] ?? 1) - weight) / counted;
      const bits = data.subarray(row * dimension, (row + 1) * dimension);
      const numbers = bits instanceof Uint16Array ? fromFloat16(bits) : bits;
      for (let axis = 0; axis < dimension; axis++) mean[axis]! += (numbers[axis]! - mean[axis]!) / counted;
    }
    if (counted > 0) break;
  }
  return { mean, weight };
}

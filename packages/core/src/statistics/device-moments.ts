import type { Backend } from '../backend/contract.ts';
import type { Moments } from '../linalg/covariance.ts';
import { fromFloat16 } from '../numbers/float16.ts';
import { tokenPass } from '../pass/token-pass.ts';
import { tokenProgram } from '../pass/token-program.ts';
import { mul } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { gather } from '../program/ops/indexing.ts';
import { sum } from '../program/ops/reduce.ts';
import { tensorType } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';
import type { Random } from '../random/random.ts';
import { scaleWeights, weightFactor } from '../tokens/scale-weights.ts';
import type { HalfBlock, TokenBlock, TokenSource } from '../tokens/token-source.ts';

/** Rows of one product, at most: its result is [m, m], so few large products. */
const mostRows = 4096;

/** From this many multiplications on, the covariance is summed on the backend: less takes a quarter of a second on the host, in float64. */
const hostProducts = 2 ** 31;

/** Tokens that the covariance is formed from, at least, where there are more: its eigenvalues then have a relative error of about 0.3 %. */
const sampledTokens = 2 ** 18;

/** Whether `tokens` of a dimension are so many that {@link deviceMoments} pays. */
export function paysOnDevice(tokens: number | undefined, dimension: number): boolean {
  return tokens !== undefined && tokens * dimension * dimension >= hostProducts;
}

export interface DeviceMomentsOptions {
  /** Draws the tokens of the covariance. */
  readonly random: Random;
  /** What the first mean is read from, where that is not the source itself. */
  readonly near?: TokenSource;
  /** Tokens that the covariance needs: default 2^18. */
  readonly covarianceTokens?: number;
}

/**
 * Sums `a (z - s)` and `a |z - s|^2` of all tokens, and `a (z - s)(z - s)^T` of all or, where there are very many, of a random part of each
 * block: these products are most of the work, and the covariance serves its largest eigenvalue alone. Float32 products of a few thousand
 * tokens, added up in float64. s is the mean of the first block, near enough to the others that float32 loses about 1e-6 of the largest
 * entry. Tokens in half precision go to the device as they are; from others s is taken off on the host, before they are rounded.
 * Undefined without tokens of positive weight.
 */
export async function deviceMoments(
  backend: Backend,
  source: TokenSource,
  { random, near = source, covarianceTokens = sampledTokens }: DeviceMomentsOptions,
): Promise<Omit<Moments, 'rows'> | undefined> {
  const { dimension } = source;
  const rows = Math.max(1, Math.min(mostRows, Math.floor(backend.capabilities.maxBufferBytes / (4 * dimension))));
  // One row of so many; the last block, which others fill up, has fewer.
  const stride = Math.max(1, Math.min(rows, Math.floor((source.tokens ?? 0) / covarianceTokens)));
  const chosen = Math.ceil(rows / stride);
  const { mean: offset, weight: typical } = await firstMean(near);
  const frame = { offset, scale: 1 };
  const unit = weightFactor(typical);
  const pass = tokenPass(backend, scaleWeights(source, unit), { dtype: 'float32', frame, width: dimension, rows });
  try {
    const products = await pass.compile(
      tokenProgram('covariance', stride === 1 ? [] : [tensorType('int32', [chosen])], (tokens, weights, ...places) => {
        const column = reshape(weights, [rows, 1]);
        const weighted = mul(tokens, column);
        const [own, ownWeights] = [tokens, column].map((all) => places.reduce(gather, all)) as [Tensor, Tensor];
        const ownWeighted = stride === 1 ? weighted : mul(own, ownWeights);
        return {
          sums: [
            sum(weighted, [0]),
            sum(mul(weighted, tokens), [0]),
            matmul(ownWeighted, own, { transposeA: true }),
            sum(ownWeighted, [0]),
            sum(ownWeights),
            sum(mul(ownWeights, ownWeights)),
          ],
        };
      }),
    );
    const { sums, weight } = await products.sum([], {
      beside: () => (stride === 1 ? [] : [[{ dtype: 'int32', shape: [chosen] }, drawPlaces(random, chosen, rows)]]),
    });
    if (!(weight > 0)) return undefined;
    const [first, squares, second, ownFirst, ownWeight, ownWeightSquares] = sums as Sums;
    if (stride > 1 && !(ownWeight[0]! ** 2 >= (covarianceTokens / 4) * ownWeightSquares[0]!)) {
      // A few of those that were drawn have all the weight.
      return await deviceMoments(backend, near, { random, covarianceTokens: Infinity });
    }
    const covariance = covarianceOf(second, ownFirst, ownWeight[0]!);
    let [trace, found] = [0, 0];
    for (let axis = 0; axis < dimension; axis++) {
      trace += Math.max(0, squares[axis]! / weight - (first[axis]! / weight) ** 2);
      found += covariance[axis * (dimension + 1)]!;
    }
    if (stride === 1) trace = found;
    // What is known of all tokens makes the part of them a better guess.
    else if (found > 0) covariance.forEach((value, index) => (covariance[index] = (value * trace) / found));
    const mean = first.map((value, axis) => value / weight + pass.frame.offset[axis]!);
    return { weight: weight / unit, mean, covariance, trace };
  } finally {
    pass.dispose();
  }
}

type One = Float64Array;
type Sums = readonly [One, One, One, One, One, One];

/** Rows of a block, with repetition; what fills the last block up has no weight. */
function drawPlaces(random: Random, count: number, rows: number): Int32Array {
  return Int32Array.from({ length: count }, () => random.integer(rows));
}

/** `second / weight - mean mean^T`, [m, m]. */
function covarianceOf(second: One, first: One, weight: number): Float64Array {
  const dimension = first.length;
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
  return covariance;
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

import { DdclError } from '../errors/ddcl-error.ts';
import { rowKey } from '../numbers/distinct-rows.ts';
import type { Backend } from '../backend/contract.ts';
import { createMomentAccumulator, type Moments } from '../linalg/covariance.ts';
import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import type { Random } from '../random/random.ts';
import { createReservoir, type Reservoir, type ReservoirSample } from '../tokens/reservoir.ts';
import { largestVariance } from './largest-variance.ts';
import { checkBlock } from '../tokens/check-block.ts';
import { fromFloat16 } from '../numbers/float16.ts';
import type { TokenFrame } from '../tokens/device-blocks.ts';
import { createDeviceCovariance, paysOnDevice } from './device-covariance.ts';
import type { HalfBlock, TokenBlock, TokenSource } from '../tokens/token-source.ts';

/** What one pass over the tokens tells before anything is fitted or measured. */
export interface TokenStatistics {
  /** Tokens passed over, those of weight 0 included. */
  readonly tokens: number;
  /** Sum of token weights, > 0. */
  readonly weight: number;
  /** Weighted mean, [m]. */
  readonly mean: Float64Array;
  /** Trace of the weighted covariance C. */
  readonly totalVariance: number;
  /** `T_c = 4 lambda_max(C)`: fits at or above it collapse (docs/math.md section 5). */
  readonly criticalTemperature: number;
  /** A uniform sample of tokens of positive weight. */
  readonly sample: ReservoirSample;
  /** Distinct tokens of positive weight, counted up to the limit that was asked for. */
  readonly distinctTokens: number;
  /** Offset near the mean, and the root-mean-square deviation per component as scale: programs see tokens of order 1. */
  readonly frame: TokenFrame;
}

export interface StatisticsOptions {
  /** For the sample. */
  readonly random: Random;
  /** Tokens in the sample, >= 1. */
  readonly sampleSize: number;
  /** Stop counting distinct tokens here. Default 1. */
  readonly countDistinctUpTo?: number;
  readonly signal?: AbortSignalLike | undefined;
  /** Called after each block with the tokens passed so far. */
  readonly onProgress?: ((tokens: number) => void) | undefined;
  /** Where the covariance of very many tokens is summed, in float32 products. Default: on the host, in float64. */
  readonly backend?: Backend | undefined;
}

/**
 * One pass over the tokens in stored order; for m above 2048 some more, since there the covariance is not formed.
 *
 * @throws DdclError `data` if there is no token of positive weight or a token is not finite
 */
export async function tokenStatistics(source: TokenSource, options: StatisticsOptions): Promise<TokenStatistics> {
  const { random, signal, backend } = options;
  const { dimension } = source;
  const onDevice = backend !== undefined && dimension <= 2048 && paysOnDevice(source.tokens, dimension);
  const moments = onDevice ? await deviceMoments(source, backend) : hostMoments(source);
  try {
    const { reservoir, distinct, tokens } = await onePass(moments, options, dimension);
    const { weight, mean, covariance, trace: totalVariance } = await moments.result();
    const largest = await largestVariance(source, {
      mean,
      weight,
      covariance,
      random: random.fork('critical temperature'),
      signal,
    });
    const scale = Math.sqrt(totalVariance / dimension);
    return {
      tokens,
      weight,
      mean,
      totalVariance,
      criticalTemperature: 4 * largest,
      sample: reservoir.sample(),
      distinctTokens: distinct.size,
      frame: { offset: mean, scale: scale > 0 ? scale : 1 },
    };
  } finally {
    moments.dispose();
  }
}

/** Where moments are summed, and the tokens in the form that this takes. */
interface PassMoments {
  readonly blocks: AsyncIterable<TokenBlock | HalfBlock>;
  readonly weight: () => number;
  add(block: TokenBlock | HalfBlock): void | Promise<void>;
  result(): Omit<Moments, 'rows'> | Promise<Omit<Moments, 'rows'>>;
  dispose(): void;
}

/** In float64. */
function hostMoments(source: TokenSource): PassMoments {
  const moments = createMomentAccumulator(source.dimension);
  return {
    blocks: source.blocks('stored'),
    weight: () => moments.weight,
    add: (block) => moments.addRows((block as TokenBlock).data, block.weights),
    result: () => moments.result(),
    dispose: () => {},
  };
}

/** In float32 products of a few thousand tokens, added up in float64. */
async function deviceMoments(source: TokenSource, backend: Backend): Promise<PassMoments> {
  const { dimension } = source;
  const half = source.halfBlocks !== undefined && backend.capabilities.dtypes.includes('float16');
  // Before anything is compiled: it may fail.
  const blocks = half ? source.halfBlocks!('stored') : source.blocks('stored');
  const device = await createDeviceCovariance(backend, dimension, half);
  return {
    blocks,
    weight: () => device.weight,
    add: (block) => device.add(block),
    async result() {
      const { mean, covariance } = await device.result();
      let trace = 0;
      for (let axis = 0; axis < dimension; axis++) trace += covariance[axis * (dimension + 1)]!;
      return { weight: device.weight, mean, covariance, trace };
    },
    dispose: () => device.dispose(),
  };
}

interface Pass {
  readonly reservoir: Reservoir;
  readonly distinct: ReadonlySet<string>;
  readonly tokens: number;
}

async function onePass(
  moments: PassMoments,
  { random, sampleSize, countDistinctUpTo = 1, signal, onProgress }: StatisticsOptions,
  dimension: number,
): Promise<Pass> {
  const reservoir = createReservoir(sampleSize, dimension, random);
  const distinct = new Set<string>();
  let tokens = 0;
  for await (const block of moments.blocks) {
    throwIfAborted(signal);
    checkBlock(block, dimension, tokens);
    tokens += block.rows;
    const { data, weights } = block;
    // Of tokens in half precision, those that are kept or counted alone are made numbers of.
    const rowAt = (row: number): Float32Array | Float64Array => {
      const bits = data.subarray(row * dimension, (row + 1) * dimension);
      return bits instanceof Uint16Array ? fromFloat16(bits) : bits;
    };
    reservoir.offer(block.rows, rowAt, weights);
    for (let row = 0; row < block.rows && distinct.size < countDistinctUpTo; row++) {
      if (weights === undefined || weights[row]! > 0) distinct.add(rowKey(rowAt(row), 0, dimension));
    }
    await moments.add(block);
    onProgress?.(tokens);
  }
  if (!(moments.weight() > 0)) {
    throw new DdclError('data', `There is no token of positive weight among ${tokens}. Give at least one.`);
  }
  return { reservoir, distinct, tokens };
}

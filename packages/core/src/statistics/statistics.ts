import { DdclError } from '../errors/ddcl-error.ts';
import { rowKey } from '../numbers/distinct-rows.ts';
import type { Backend } from '../backend/contract.ts';
import { createMomentAccumulator, type Moments } from '../linalg/covariance.ts';
import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import type { Random } from '../random/random.ts';
import { createReservoir, type ReservoirSample } from '../tokens/reservoir.ts';
import { largestVariance } from './largest-variance.ts';
import { checkBlock } from '../tokens/check-block.ts';
import { fromFloat16 } from '../numbers/float16.ts';
import type { TokenFrame } from '../tokens/device-blocks.ts';
import { requireTokenSource, type TokenSource } from '../tokens/token-source.ts';
import { watchSource } from '../tokens/watch-source.ts';
import { deviceMoments, paysOnDevice } from './device-moments.ts';

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
  /**
   * `T_c = 4 lambda_max(C)`: fits at or above it collapse (docs/math.md section 5). On a backend, where there are more than twice 2^18
   * tokens, the eigenvalue is that of a random 2^18 of them or more, scaled to the trace of all: 0.3 % of relative error.
   */
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
  requireTokenSource(source);
  const { dimension } = source;
  const reservoir = createReservoir(options.sampleSize, dimension, random);
  const distinct = new Set<string>();
  const mostDistinct = options.countDistinctUpTo ?? 1;
  let tokens = 0;
  const watched = watchSource(source, (block) => {
    throwIfAborted(signal);
    checkBlock(block, dimension, tokens);
    const { data, rows, weights } = block;
    // Of tokens in half precision, those that are kept or counted alone are made numbers of.
    const rowAt = (row: number): Float32Array | Float64Array => {
      const bits = data.subarray(row * dimension, (row + 1) * dimension);
      return bits instanceof Uint16Array ? fromFloat16(bits) : bits;
    };
    reservoir.offer(rows, rowAt, weights);
    for (let row = 0; row < rows && distinct.size < mostDistinct; row++) {
      if (weights === undefined || weights[row]! > 0) distinct.add(rowKey(rowAt(row), 0, dimension));
    }
    tokens += rows;
    options.onProgress?.(tokens);
  });
  const onDevice = backend !== undefined && dimension <= 2048 && paysOnDevice(source.tokens, dimension);
  const moments = onDevice
    ? await deviceMoments(backend, watched, { random: random.fork('covariance'), near: source })
    : await hostMoments(watched);
  if (moments === undefined) {
    throw new DdclError('data', `There is no token of positive weight among ${tokens}. Give at least one.`);
  }
  const { weight, mean, covariance, trace: totalVariance } = moments;
  if (!Number.isFinite(totalVariance)) {
    throw new DdclError(
      'data',
      'The variance of these tokens is beyond float64, as that of numbers above 1e150 is. Divide all tokens by the same number.',
    );
  }
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
}

/** In float64. */
async function hostMoments(source: TokenSource): Promise<Omit<Moments, 'rows'> | undefined> {
  const moments = createMomentAccumulator(source.dimension);
  for await (const { data, weights } of source.blocks('stored')) moments.addRows(data, weights);
  return moments.weight > 0 ? moments.result() : undefined;
}

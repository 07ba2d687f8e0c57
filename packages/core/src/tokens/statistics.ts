import { DdclError } from '../errors/ddcl-error.ts';
import { rowKey } from '../initialise/distinct-rows.ts';
import type { Backend } from '../backend/contract.ts';
import { createMomentAccumulator, type MomentAccumulator } from '../linalg/covariance.ts';
import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import type { Random } from '../random/random.ts';
import { createReservoir, type Reservoir, type ReservoirSample } from '../random/reservoir.ts';
import { largestVariance } from '../temperature/largest-variance.ts';
import { checkBlock } from './check-block.ts';
import type { TokenFrame } from './device-blocks.ts';
import { createDeviceCovariance, paysOnDevice, type DeviceCovariance } from './device-covariance.ts';
import type { TokenSource } from './token-source.ts';

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
  /** `T_c = 4 lambda_max(C)`: fits at or above it collapse (math.md section 5). */
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
  const device = onDevice ? await createDeviceCovariance(backend, dimension) : undefined;
  try {
    const { moments, reservoir, distinct, tokens } = await onePass(source, options, device);
    const { weight, mean, covariance, trace: totalVariance } = moments.result();
    const largest = await largestVariance(source, {
      mean,
      weight,
      covariance: device === undefined ? covariance : await device.result(),
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
    device?.dispose();
  }
}

interface Pass {
  readonly moments: MomentAccumulator;
  readonly reservoir: Reservoir;
  readonly distinct: ReadonlySet<string>;
  readonly tokens: number;
}

async function onePass(
  source: TokenSource,
  { random, sampleSize, countDistinctUpTo = 1, signal, onProgress }: StatisticsOptions,
  device: DeviceCovariance | undefined,
): Promise<Pass> {
  const { dimension } = source;
  const moments = createMomentAccumulator(dimension, device === undefined ? {} : { maxCovarianceDimension: 0 });
  const reservoir = createReservoir(sampleSize, dimension, random);
  const distinct = new Set<string>();
  let tokens = 0;
  for await (const block of source.blocks('stored')) {
    throwIfAborted(signal);
    checkBlock(block, dimension, tokens);
    tokens += block.rows;
    moments.addRows(block.data, block.weights);
    reservoir.add(block.data, block.weights);
    for (let row = 0; row < block.rows && distinct.size < countDistinctUpTo; row++) {
      if (block.weights === undefined || block.weights[row]! > 0)
        distinct.add(rowKey(block.data, row * dimension, dimension));
    }
    await device?.add(block);
    onProgress?.(tokens);
  }
  if (!(moments.weight > 0)) {
    throw new DdclError('data', `There is no token of positive weight among ${tokens}. Give at least one.`);
  }
  return { moments, reservoir, distinct, tokens };
}

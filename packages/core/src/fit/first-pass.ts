import { inTurns } from '../abort/turns.ts';
import type { Backend } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { requireResolution } from '../model/require-resolution.ts';
import { lowestTemperature } from '../model/require-temperature.ts';
import { createRandom } from '../random/random.ts';
import { tokenStatistics, type TokenStatistics } from '../statistics/statistics.ts';
import { autoTemperature } from '../temperature/auto.ts';
import { resolveTemperature } from '../temperature/resolve.ts';
import type { ReservoirSample } from '../tokens/reservoir.ts';
import { scaleWeights, weightFactor } from '../tokens/scale-weights.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import type { ResolvedFitOptions } from './options.ts';

/** Numbers of the tokens kept as a sample: for the start, history records and the stability certificate. */
const sampleElements = 1 << 23;

/** Prototypes may end so much farther out than the tokens of the sample, squared. */
const beyondSample = 100;

/** What a fit knows before it begins. */
export interface FirstPass {
  /** The tokens with weights whose mean is near 1, and {@link statistics} with a sample of them. */
  readonly source: TokenSource;
  readonly statistics: TokenStatistics;
  /** What weights were multiplied by for that; the sample with its own. */
  readonly unit: number;
  readonly sample: ReservoirSample;
  /** The final one, in the tokens' units squared. */
  readonly temperature: number;
}

/**
 * One pass over the tokens, after which all that can be refused is refused.
 *
 * @throws DdclError `data` for tokens that are equal, too few, not finite or beyond the dtype's digits; `temperature` unless 0 < T < T_c and
 *   programs can compute at T
 */
export async function firstPass(backend: Backend, given: TokenSource, options: ResolvedFitOptions): Promise<FirstPass> {
  const statistics = await readStatistics(backend, given, options);
  const { sample } = statistics;
  const unit = weightFactor(statistics.weight / statistics.tokens);
  return {
    source: scaleWeights(given, unit),
    statistics: { ...statistics, sample: { ...sample, weights: sample.weights.map((weight) => weight * unit) } },
    unit,
    sample,
    temperature: await finalTemperature(statistics, options),
  };
}

async function readStatistics(
  backend: Backend,
  source: TokenSource,
  options: ResolvedFitOptions,
): Promise<TokenStatistics> {
  const { prototypes, restarts, onProgress } = options;
  const sampleSize = Math.max(
    4 * prototypes,
    Math.min(1 << 16, Math.max(1024, Math.floor(sampleElements / source.dimension))),
  );
  const statistics = await tokenStatistics(source, {
    random: createRandom(options.seed).fork('sample'),
    sampleSize,
    countDistinctUpTo: prototypes,
    backend,
    signal: options.signal,
    onProgress: (done) => onProgress?.({ phase: 'statistics', restart: 0, restarts, done, total: source.tokens }),
  });
  if (statistics.distinctTokens < prototypes) {
    throw new DdclError(
      'data',
      `${prototypes} prototypes need at least as many distinct tokens, but there are ${statistics.distinctTokens}. Ask for at most ${statistics.distinctTokens}.`,
    );
  }
  if (!(statistics.totalVariance > 0)) {
    throw new DdclError(
      'data',
      'All tokens are equal, so T_c is 0 and no temperature lies below it. Give tokens that differ.',
    );
  }
  requireResolution(statistics.mean, statistics.totalVariance, options.dtype);
  return statistics;
}

async function finalTemperature(
  statistics: TokenStatistics,
  { temperature, prototypes, dtype, seed, signal }: ResolvedFitOptions,
): Promise<number> {
  const { criticalTemperature } = statistics;
  if (temperature === 'auto')
    return inTurns(autoTemperature(statistics, prototypes, createRandom(seed).fork('temperature')), signal);
  const resolved = resolveTemperature(temperature, criticalTemperature);
  // Known now, and not when it has cooled so far.
  const least = lowestTemperature(beyondSample * farthestSquared(statistics), dtype);
  if (resolved >= least) return resolved;
  throw new DdclError(
    'temperature',
    `At the temperature ${resolved} the logits leave the range of ${dtype}: it must be at least ${least.toPrecision(3)} for these tokens, ${(least / criticalTemperature).toPrecision(3)} of T_c. Use 'auto', or raise it; assignments are hard far above that.`,
  );
}

/** The squared distance of the farthest token of the sample from the mean. */
function farthestSquared({ sample, mean, totalVariance }: TokenStatistics): number {
  const dimension = mean.length;
  let farthest = totalVariance;
  for (let row = 0; row < sample.count; row++) {
    let squared = 0;
    for (let axis = 0; axis < dimension; axis++) squared += (sample.rows[row * dimension + axis]! - mean[axis]!) ** 2;
    farthest = Math.max(farthest, squared);
  }
  return farthest;
}

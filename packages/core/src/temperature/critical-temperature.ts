import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { createRandom } from '../random/random.ts';
import { tokenStatistics } from '../statistics/statistics.ts';
import type { TokenSource } from '../tokens/token-source.ts';

/**
 * The critical temperature `T_c = 4 lambda_max(C)` of tokens, in units of squared distance: above
 * it the collapse of all prototypes into one point is stable, below it gradient descent leaves it (docs/math.md section 5).
 * One pass where the covariance can be formed (m <= 2048), a few dozen otherwise.
 *
 * @throws DdclError `data` if there is no token of positive weight
 */
export async function criticalTemperature(source: TokenSource, signal?: AbortSignalLike): Promise<number> {
  const statistics = await tokenStatistics(source, { random: createRandom(0), sampleSize: 1, signal });
  return statistics.criticalTemperature;
}

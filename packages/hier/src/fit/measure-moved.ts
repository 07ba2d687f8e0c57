import type { Backend } from '@ddcl/core/backend';
import { createRandom } from '@ddcl/core';
import {
  measureSource,
  measureStability,
  modelState,
  tokensFromArray,
  tokensFromReader,
  tokenStatistics,
} from '@ddcl/core/fit';
import type { CollectedItems } from '../collect/collect-items.ts';
import { defaultEpochs } from '../joint/fit-joint.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import { levelQuantities } from '../quantities/level-quantities.ts';
import type { ResolvedLevel } from '../spec/resolve.ts';
import type { LevelReport, ResolvedOptions } from './options.ts';

/** Items that a level's Hessian is measured on where all are too many. */
const stabilityItems = 1 << 16;

/** A level that moved with the others, over the items that it has since: its masses, and what is told of it. */
export async function measureMoved(
  backend: Backend,
  { name, width }: ResolvedLevel,
  level: FittedLevel,
  { rows, items }: CollectedItems,
  { epochs = defaultEpochs, certificate, seed, signal }: ResolvedOptions,
): Promise<{ readonly level: FittedLevel; readonly report: LevelReport }> {
  const { temperature, criticalTemperature, totalVariance } = level.model;
  const source = tokensFromReader(tokensFromArray(rows, width));
  const fitted = rows.length / width;
  const state = modelState(level.model);
  const quantities = await measureSource(backend, source, state, { tokens: fitted, totalVariance, signal });
  const report: LevelReport = {
    ...levelQuantities(name, true, criticalTemperature, { ...quantities, epoch: epochs, temperature }),
    items,
    fitted,
  };
  const moved = { ...level, masses: quantities.shares.map((share) => share * items) };
  if (!certificate) return { level: moved, report };
  const random = createRandom(seed);
  const statistics = await tokenStatistics(source, {
    random: random.fork('sample'),
    sampleSize: stabilityItems,
    signal,
  });
  const options = { random: random.fork('stability'), signal };
  return {
    level: moved,
    report: { ...report, stability: await measureStability(backend, source, statistics, state, options) },
  };
}

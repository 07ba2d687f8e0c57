import type { Backend } from '../backend/contract.ts';
import { createMeasurer, type MeasuredQuantities } from '../measure/measure.ts';
import { toFrame, type PrototypeState } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { evenRows } from '../stability/measure-stability.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import type { ResolvedFitOptions } from './options.ts';

/** Tokens on which history records are measured. */
const watchedTokens = 4096;

export interface WatchedSample {
  measure(state: PrototypeState): Promise<MeasuredQuantities>;
  dispose(): void;
}

/** A fixed sample of tokens on the device, so that a fit's history shows its course and not the noise of batches. */
export async function watchSample(
  backend: Backend,
  { sample, frame, totalVariance }: TokenStatistics,
  { dtype, prototypes: count }: ResolvedFitOptions,
): Promise<WatchedSample> {
  const dimension = frame.offset.length;
  const rows = Math.min(watchedTokens, sample.count);
  const framed = toFrame(evenRows(sample.rows, dimension, sample.count, rows), frame);
  const sampleWeights = evenRows(sample.weights, 1, sample.count, rows);
  const weight = sampleWeights.reduce((total, own) => total + own, 0);
  const measurer = await createMeasurer(backend, { rows, count, dimension, dtype });
  const tokens = backend.upload({ dtype, shape: [rows, dimension] }, asDType(framed, dtype));
  const weights = backend.upload({ dtype, shape: [rows] }, asDType(sampleWeights, dtype));
  return {
    measure: (state) =>
      measurer.measure([{ tokens, weights }], () => weight, state, totalVariance, { keepBlocks: true }),
    dispose() {
      backend.free(tokens);
      backend.free(weights);
      measurer.dispose();
    },
  };
}

import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import { measureProgram, quantitiesFromTotals, type MeasuredQuantities } from '../measure/measure.ts';
import { fromFrame, toFrame } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { tokenPass } from '../pass/token-pass.ts';
import { evenRows } from '../stability/measure-stability.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import { tokensFromArray } from '../tokens/from-array.ts';
import { tokensFromReader } from '../tokens/from-reader.ts';
import type { ResolvedFitOptions } from './options.ts';

/** Tokens on which history records are measured. */
const watchedTokens = 4096;

export interface WatchedSample {
  /**
   * Measures prototypes where they are. They are read once, for the distances between them.
   *
   * @param prototypes [K, m], in the frame of the fit
   * @param temperature in the tokens' units squared
   */
  measure(prototypes: DeviceBuffer, temperature: number): Promise<MeasuredQuantities>;
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
  const source = tokensFromReader(tokensFromArray(framed, dimension, evenRows(sample.weights, 1, sample.count, rows)));
  const still = { offset: new Float64Array(dimension), scale: 1 };
  const pass = tokenPass(backend, source, { dtype, frame: still, width: count, rows, repeated: true });
  try {
    const measure = await pass.compile(measureProgram({ count, dimension, dtype }));
    return {
      async measure(prototypes, temperature) {
        const warmth = [{ dtype, shape: [] }, asDType([temperature / frame.scale ** 2], dtype)] as const;
        const [totals, framed] = await Promise.all([measure.sum([prototypes, warmth]), backend.download(prototypes)]);
        return quantitiesFromTotals(
          totals,
          { absolute: fromFrame(framed, frame), count, dimension, frame },
          totalVariance,
        );
      },
      dispose: () => pass.dispose(),
    };
  } catch (error) {
    pass.dispose();
    throw error;
  }
}

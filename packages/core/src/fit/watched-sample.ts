import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import { squaredDistances } from '../ddcl/distances.ts';
import { measureProgram, quantitiesFromTotals, type MeasuredQuantities } from '../measure/measure.ts';
import { fromFrame } from '../measure/prototype-state.ts';
import type { PairVisitor } from '../metrics/pairwise.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { tokenPass } from '../pass/token-pass.ts';
import { allocate, type TypedArray } from '../program/dtype.ts';
import { tensorType } from '../program/tensor-type.ts';
import { trace } from '../program/trace.ts';
import { evenRows } from '../stability/measure-stability.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import { mapRows } from '../tokens/device-blocks.ts';
import { tokensFromArray } from '../tokens/from-array.ts';
import { tokensFromReader } from '../tokens/from-reader.ts';
import type { ResolvedFitOptions } from './options.ts';

/** Tokens on which history records are measured: some for each prototype, within bounds that keep a record cheaper than a step. */
const [fewestTokens, mostTokens, tokensPerPrototype] = [1024, 4096, 2];

/** From here on the distances between prototypes are products on the device; fewer are quicker, and exact, on the host. */
const manyPrototypes = 64;

export interface WatchedQuantities extends MeasuredQuantities {
  /** [K, m], in the tokens' units. */
  readonly prototypes: Float64Array;
}

export interface WatchedSample {
  /**
   * Measures prototypes where they are. They are read once, for the distances between them.
   *
   * @param prototypes [K, m], in the frame of the fit
   * @param temperature in the tokens' units squared
   */
  measure(prototypes: DeviceBuffer, temperature: number): Promise<WatchedQuantities>;
  dispose(): void;
}

/** A fixed sample of tokens on the device, so that a fit's history shows its course and not the noise of batches. */
export async function watchSample(
  backend: Backend,
  { sample, frame, totalVariance }: TokenStatistics,
  { dtype, prototypes: count }: ResolvedFitOptions,
): Promise<WatchedSample> {
  const dimension = frame.offset.length;
  const rows = Math.min(mostTokens, Math.max(fewestTokens, tokensPerPrototype * count), sample.count);
  const framed = allocate(dtype, rows * dimension) as Float32Array | Float64Array;
  mapRows(evenRows(sample.rows, dimension, sample.count, rows), 0, framed, 0, rows, frame.offset, 1 / frame.scale);
  const source = tokensFromReader(tokensFromArray(framed, dimension, evenRows(sample.weights, 1, sample.count, rows)));
  const still = { offset: new Float64Array(dimension), scale: 1 };
  const pass = tokenPass(backend, source, { dtype, frame: still, width: count, rows, repeated: true });
  try {
    const measure = await pass.compile(measureProgram({ count, dimension, dtype }));
    const matrix = tensorType(dtype, [count, dimension]);
    const between =
      count < manyPrototypes
        ? undefined
        : await backend.compile(trace([matrix], (p) => [squaredDistances(p, p)], 'distances between prototypes'));
    const pairsOf = async (prototypes: DeviceBuffer): Promise<((visit: PairVisitor) => void) | undefined> => {
      if (between === undefined) return undefined;
      const [squares] = await between.run([prototypes]);
      const numbers = await backend.download(squares!);
      backend.free(squares!);
      return (visit) => forEachPairOf(numbers, count, frame.scale, visit);
    };
    return {
      async measure(prototypes, temperature) {
        const warmth = [{ dtype, shape: [] }, asDType([temperature / frame.scale ** 2], dtype)] as const;
        const [totals, framed, pairs] = await Promise.all([
          measure.sum([prototypes, warmth]),
          backend.download(prototypes),
          pairsOf(prototypes),
        ]);
        const absolute = fromFrame(framed, frame);
        const state = { absolute, count, dimension, frame };
        return { ...quantitiesFromTotals(totals, state, totalVariance, pairs), prototypes: absolute };
      },
      dispose() {
        pass.dispose();
        between?.dispose();
      },
    };
  } catch (error) {
    pass.dispose();
    throw error;
  }
}

/** Pairs from their squared distances [K, K], which are noise below a few units of rounding. */
function forEachPairOf(squares: TypedArray, count: number, scale: number, visit: PairVisitor): void {
  for (let i = 0; i < count; i++)
    for (let j = i + 1; j < count; j++) visit(i, j, Math.sqrt(squares[i * count + j]!) * scale);
}

import { createRandom } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import {
  fit,
  tokensFromArray,
  tokensFromReader,
  tokenStatistics,
  type FitOptions,
  type FitProgress,
  type FitResult,
  type HistoryRecord,
} from '@ddcl/core/fit';
import { columnStatistics, type Preprocessing } from '../../../cli/src/preprocess/preprocessing.ts';
import { principalPlane, type Plane } from '../../../cli/src/report/project-tokens.ts';
import { readerOf, type Vectors } from '../data/vectors.ts';

/** Tokens that are drawn, at most. */
const mostPoints = 4000;

/** History records that the moving picture is made of. */
const records = 120;

/** What a fit shows of itself while it runs. */
export interface Scene {
  readonly plane: Plane;
  /** A sample of the vectors as the fit sees them, [points, m]. */
  readonly sample: Float64Array;
  readonly dimension: number;
  readonly criticalTemperature: number;
}

export interface Frame {
  readonly record: HistoryRecord;
  /** [K, m]. */
  readonly prototypes: Float64Array;
}

export interface PageFit {
  readonly prototypes: number;
  /** Share of the critical temperature; undefined for the automatic one. */
  readonly temperature: number | undefined;
  readonly seed: number;
  readonly standardize: boolean;
}

export interface PageFitEvents {
  readonly signal: AbortSignal;
  onScene(scene: Scene): void;
  onFrame(frame: Frame): void;
  onProgress(progress: FitProgress): void;
  onWarning(warning: string): void;
}

export interface PageResult {
  readonly result: FitResult;
  readonly preprocessing: Preprocessing;
  readonly seconds: number;
}

/**
 * A fit with the defaults of `ddcl fit`, shown as it goes.
 *
 * @throws what `fit` throws
 */
export async function runFit(
  backend: Backend,
  vectors: Vectors,
  { prototypes, temperature, seed, standardize }: PageFit,
  { signal, onScene, onFrame, onProgress, onWarning }: PageFitEvents,
): Promise<PageResult> {
  const started = performance.now();
  const raw = tokensFromArray(vectors.data, vectors.dimension);
  const preprocessing = { standardize: standardize ? await columnStatistics(raw, signal) : null, normalize: false };
  const source = tokensFromReader(readerOf(vectors, preprocessing));
  const { sample, criticalTemperature } = await tokenStatistics(source, {
    random: createRandom(seed).fork('picture'),
    sampleSize: mostPoints,
    backend,
    signal,
  });
  const { dimension } = vectors;
  onScene({ plane: principalPlane(sample.rows, dimension), sample: sample.rows, dimension, criticalTemperature });
  const options: FitOptions = {
    prototypes,
    seed,
    records,
    signal,
    ...(temperature === undefined ? {} : { temperature: { ofCritical: temperature } }),
    onRecord: (record, made) => onFrame({ record, prototypes: made }),
    onProgress,
    onWarning,
  };
  const result = await fit(backend, source, options);
  return { result, preprocessing, seconds: (performance.now() - started) / 1000 };
}

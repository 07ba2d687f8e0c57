import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { inTurns } from '../abort/turns.ts';
import type { Backend } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { initializeInPieces, type Start } from '../initialize/initialize.ts';
import { createMomentAccumulator } from '../linalg/covariance.ts';
import { toFrame } from '../measure/prototype-state.ts';
import type { DdclModel } from '../model/model.ts';
import { asDType } from '../numbers/as-dtype.ts';
import type { PassProgram } from '../pass/pass-program.ts';
import { tokenPass } from '../pass/token-pass.ts';
import type { FloatDType } from '../program/dtype.ts';
import { createRandom, type Random } from '../random/random.ts';
import { abortableSource } from '../tokens/abortable-source.ts';
import { checkBlock } from '../tokens/check-block.ts';
import type { TokenFrame } from '../tokens/device-blocks.ts';
import { createReservoir, type ReservoirSample } from '../tokens/reservoir.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { lloydProgram } from './lloyd-program.ts';
import { reseed } from './reseed.ts';

export interface KMeansOptions {
  /** Number of centroids K, >= 1. */
  readonly count: number;
  /** Where centroids start. Default `k-means++`. */
  readonly start?: Start;
  /** Runs from different starts, of which the one with the smallest error is kept. Default 1. */
  readonly restarts?: number;
  /** Moves of the centroids of one run, at most. Default 100. */
  readonly iterations?: number;
  /** A run ends when the error falls by less than this share. Default 1e-4. */
  readonly tolerance?: number;
  /** Equal seeds give equal results on a deterministic backend. Default 0. */
  readonly seed?: number;
  /** Default `float32`. */
  readonly dtype?: FloatDType;
  readonly signal?: AbortSignalLike | undefined;
  /** Called after each pass with the error that it found. */
  readonly onProgress?: (progress: { restart: number; iteration: number; meanSquaredDistance: number }) => void;
}

export interface KMeansResult {
  /**
   * The centroids as prototypes, at a temperature so low that every token goes to its nearest one: for `encodeTokens`, or as the bag of
   * visual (here: token) words that people know.
   */
  readonly model: DdclModel;
  /**
   * Of the tokens to their nearest centroids: sum of weighted squared distances per unit of token weight, in the tokens' units squared.
   */
  readonly meanSquaredDistance: number;
  /** Moves of the centroids in the run that was kept. */
  readonly iterations: number;
  /** Mean squared distance of each run. */
  readonly restartErrors: readonly number[];
}

/** Numbers of the sample that starts are drawn from. */
const sampleElements = 1 << 23;

/** Share of the total variance at which assignments are hard: squared distances that differ by more than about 1e-6 of it decide. */
const hardShare = 1e-7;

/**
 * k-means (Lloyd 1982), weighted, on a backend; each iteration is one pass over the tokens. A centroid without tokens moves to the sampled token
 * that costs most.
 *
 * @throws DdclError `data` for fewer distinct tokens than centroids, tokens that are not finite, or squares or weights beyond the dtype's
 *   range; `argument` for options out of range; `aborted` when the signal fires
 */
export async function kMeans(backend: Backend, source: TokenSource, options: KMeansOptions): Promise<KMeansResult> {
  const { count, start = 'k-means++', restarts = 1, iterations = 100, tolerance = 1e-4 } = options;
  const { seed = 0, dtype = 'float32', signal } = options;
  for (const [name, value] of Object.entries({ count, restarts, iterations })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new DdclError('argument', `${name} must be a whole number >= 1, but is ${value}.`);
  }
  if (!(tolerance >= 0 && tolerance < Infinity))
    throw new DdclError('argument', `tolerance must be a finite number >= 0, but is ${tolerance}.`);
  if (typeof start !== 'string' && restarts > 1) {
    throw new DdclError(
      'argument',
      'Runs from the same given start end alike: leave restarts out, or start at random.',
    );
  }
  const random = createRandom(seed);
  source = abortableSource(source, signal);
  const statistics = await readStatistics(source, random, count);
  const { dimension } = source;
  const starts = random.fork('start');
  const pass = tokenPass(backend, source, { dtype, frame: statistics.frame, width: count, repeated: true });
  try {
    const lloyd = await pass.compile(lloydProgram(count, dimension, dtype));
    const restartErrors: number[] = [];
    let best: Run | undefined;
    for (let restart = 0; restart < restarts; restart++) {
      const { sample, mean } = statistics;
      const own = { count, dimension, sample: sample.rows, weights: sample.weights, mean, random: starts, start };
      const made = await run(
        lloyd,
        await inTurns(initializeInPieces(own), signal),
        { ...statistics, frame: pass.frame },
        restart,
        options,
      );
      restartErrors.push(made.meanSquaredDistance);
      if (best === undefined || made.meanSquaredDistance < best.meanSquaredDistance) best = made;
    }
    const { centroids, ...found } = best!;
    return { model: hardModel(centroids, dimension, dtype, statistics), ...found, restartErrors };
  } finally {
    pass.dispose();
  }
}

interface Run extends Pick<KMeansResult, 'meanSquaredDistance' | 'iterations'> {
  readonly centroids: Float64Array;
}

/** One run from a start until the error falls no more. */
async function run(
  lloyd: PassProgram,
  start: Float64Array,
  { frame, sample }: Statistics,
  restart: number,
  { iterations = 100, tolerance = 1e-4, dtype = 'float32', signal, onProgress }: KMeansOptions,
): Promise<Run> {
  const { offset, scale } = frame;
  const dimension = offset.length;
  const shape = [start.length / dimension, dimension];
  let centroids = start;
  let before = Infinity;
  for (let iteration = 0; ; iteration++) {
    const { sums, weight } = await lloyd.sum([[{ dtype, shape }, asDType(toFrame(centroids, frame), dtype)]], {
      signal,
    });
    const [totals, mass, error] = sums as [Float64Array, Float64Array, Float64Array];
    const meanSquaredDistance = (error[0]! / weight) * scale ** 2;
    if (!Number.isFinite(meanSquaredDistance)) throw beyondRange(dtype, meanSquaredDistance);
    onProgress?.({ restart, iteration, meanSquaredDistance });
    if (iteration === iterations) return { centroids, meanSquaredDistance, iterations: iteration };
    const moved = centroids.map((value, index) => {
      const own = mass[Math.floor(index / dimension)]!;
      return own > 0 ? (totals[index]! / own) * scale + offset[index % dimension]! : value;
    });
    const empty = Array.from(mass.keys()).filter((k) => !(mass[k]! > 0));
    const reseeded = reseed(moved, empty, sample);
    if (reseeded === 0 && meanSquaredDistance >= before * (1 - tolerance)) {
      return { centroids, meanSquaredDistance, iterations: iteration };
    }
    before = meanSquaredDistance;
    centroids = moved;
  }
}

/** What a pass over the tokens tells before the first assignment; no covariance, which would take longer than the fit. */
interface Statistics {
  readonly mean: Float64Array;
  readonly totalVariance: number;
  readonly frame: TokenFrame;
  /** Tokens of positive weight. */
  readonly sample: ReservoirSample;
}

async function readStatistics(source: TokenSource, random: Random, count: number): Promise<Statistics> {
  const { dimension } = source;
  const moments = createMomentAccumulator(dimension, { maxCovarianceDimension: 0 });
  const most = Math.max(4 * count, Math.min(10_000, Math.floor(sampleElements / dimension)));
  const reservoir = createReservoir(most, dimension, random.fork('sample'));
  let tokens = 0;
  for await (const block of source.blocks('stored')) {
    checkBlock(block, dimension, tokens);
    tokens += block.rows;
    moments.addRows(block.data, block.weights);
    reservoir.add(block.data, block.weights);
  }
  const { mean, trace: totalVariance, weight } = moments.result();
  // Sums of weights, or of weighted squares, are infinite, and their quotient may be anything.
  if (!Number.isFinite(weight) || !Number.isFinite(totalVariance)) throw beyondRange('float64', totalVariance);
  const scale = Math.sqrt(totalVariance / dimension);
  return { mean, totalVariance, frame: { offset: mean, scale: scale > 0 ? scale : 1 }, sample: reservoir.sample() };
}

function beyondRange(dtype: FloatDType, found: number): DdclError {
  return new DdclError(
    'data',
    `Weighted squared distances must stay within the range of ${dtype}, but their mean came out as ${found}. Divide the tokens, or their weights, by one number that makes them smaller.`,
  );
}

function hardModel(
  centroids: Float64Array,
  dimension: number,
  dtype: FloatDType,
  { frame, totalVariance }: Statistics,
): DdclModel {
  const prototypes = Float64Array.from(asDType(centroids, dtype));
  const bad = prototypes.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new DdclError(
      'data',
      `Centroids must stay within the range of ${dtype}, but one has ${centroids[bad]}. Divide the tokens by one number, or ask for float64.`,
    );
  }
  return {
    count: centroids.length / dimension,
    dimension,
    dtype,
    prototypes,
    temperature: hardShare * (totalVariance > 0 ? totalVariance : 1),
    // T_c is not measured: it is at most this, and no temperature is derived from it here.
    criticalTemperature: 4 * totalVariance,
    offset: frame.offset,
    scale: frame.scale,
    totalVariance,
  };
}

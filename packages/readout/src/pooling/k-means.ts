import {
  add,
  argMax,
  cast,
  createRandom,
  DdclError,
  equal,
  iota,
  matmul,
  max,
  mul,
  neg,
  reshape,
  scalar,
  square,
  sub,
  sum,
  tensorType,
  trace,
  type FloatDType,
  type Program,
  type Random,
} from '@ddcl/core';
import {
  createMomentAccumulator,
  createReservoir,
  initialise,
  type DdclModel,
  type TokenFrame,
  type TokenSource,
} from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';

export interface KMeansOptions {
  /** Number of centroids K, >= 1. */
  readonly count: number;
  /** Passes over the tokens, at most. Default 100. */
  readonly iterations?: number;
  /** Stop when the mean squared distance falls by less than this share. Default 1e-4. */
  readonly tolerance?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Default `float32`. */
  readonly dtype?: FloatDType;
}

export interface KMeansResult {
  /**
   * The centroids as prototypes, at a temperature so low that every token goes to its nearest one: `Readout.fromModel` turns it into
   * the bag of visual (here: token) words that people know.
   */
  readonly model: DdclModel;
  /** Mean squared distance of tokens to their nearest centroid, after the last pass. */
  readonly hard: number;
  readonly iterations: number;
}

/** Rows of one run. */
const rows = 4096;

/** Numbers of the sample that the start is drawn from. */
const sampleElements = 1 << 23;

/** Share of the total variance at which assignments are hard: squared distances that differ by more than about 1e-6 of it decide. */
const hardShare = 1e-7;

/** (tokens, weights, centroids) to (weighted sums [K, m], mass [K], sum of squared distances []). */
function lloydProgram(count: number, dimension: number, dtype: FloatDType): Program {
  return trace(
    [tensorType(dtype, [rows, dimension]), tensorType(dtype, [rows]), tensorType(dtype, [count, dimension])],
    (tokens, weights, centroids) => {
      const half = mul(reshape(sum(square(centroids), [1]), [1, count]), scalar(centroids, 0.5));
      // Largest where the distance is smallest: |z|^2 is the same for all.
      const closeness = sub(matmul(tokens, centroids, { transposeB: true }), half);
      const codes = reshape(argMax(closeness, 1), [rows, 1]);
      const member = mul(
        cast(equal(codes, iota(codes, 'int32', [rows, count], 1)), dtype),
        reshape(weights, [rows, 1]),
      );
      const distance = add(sum(square(tokens), [1]), mul(neg(max(closeness, [1])), scalar(centroids, 2)));
      return [matmul(member, tokens, { transposeA: true }), sum(member, [0]), sum(mul(distance, weights))];
    },
    'k-means',
  );
}

/**
 * k-means (Lloyd 1982, from a k-means++ start) on a backend: what soft assignments are compared with.
 *
 * @throws DdclError `data` for fewer distinct tokens than centroids; `argument` for options out of range
 */
export async function kMeans(
  backend: Backend,
  source: TokenSource,
  { count, iterations = 100, tolerance = 1e-4, seed = 0, dtype = 'float32' }: KMeansOptions,
): Promise<KMeansResult> {
  if (!Number.isSafeInteger(iterations) || iterations < 1) {
    throw new DdclError('argument', `iterations must be a whole number >= 1, but is ${iterations}.`);
  }
  const random = createRandom(seed);
  const statistics = await readStatistics(source, random, count);
  let centroids = initialise({
    count,
    dimension: source.dimension,
    sample: statistics.sample,
    mean: statistics.mean,
    random: random.fork('start'),
    start: 'k-means++',
  });
  const executable = await backend.compile(lloydProgram(count, source.dimension, dtype));
  try {
    let hard = Infinity;
    let made = 0;
    while (made < iterations) {
      const pass = await onePass(source, statistics, centroids, dtype, async (tokens, weights, framed) => {
        const inputs = [
          backend.upload({ dtype, shape: [rows, source.dimension] }, tokens),
          backend.upload({ dtype, shape: [rows] }, weights),
          backend.upload({ dtype, shape: [count, source.dimension] }, framed),
        ];
        const results = await executable.run(inputs, { donate: [0, 1, 2] });
        const numbers = await Promise.all(results.map((result) => backend.download(result)));
        for (const result of results) backend.free(result);
        return numbers as (Float32Array | Float64Array)[];
      });
      made++;
      centroids = pass.centroids;
      const isDone = pass.hard >= hard * (1 - tolerance);
      hard = pass.hard;
      if (isDone) break;
    }
    return { model: hardModel(centroids, source.dimension, dtype, statistics), hard, iterations: made };
  } finally {
    executable.dispose();
  }
}

/** What a pass over the tokens tells before the first assignment; no covariance, which would take longer than the fit. */
interface Statistics {
  readonly mean: Float64Array;
  readonly weight: number;
  readonly totalVariance: number;
  readonly frame: TokenFrame;
  /** Tokens of positive weight, [rows, m]. */
  readonly sample: Float64Array;
}

async function readStatistics(source: TokenSource, random: Random, count: number): Promise<Statistics> {
  const { dimension } = source;
  const moments = createMomentAccumulator(dimension, { maxCovarianceDimension: 0 });
  const most = Math.max(4 * count, Math.min(10_000, Math.floor(sampleElements / dimension)));
  const reservoir = createReservoir(most, dimension, random.fork('sample'));
  for await (const { data, weights } of source.blocks('stored')) {
    moments.addRows(data, weights);
    reservoir.add(data, weights);
  }
  const { mean, weight, trace: totalVariance } = moments.result();
  const scale = Math.sqrt(totalVariance / dimension);
  const frame = { offset: mean, scale: scale > 0 ? scale : 1 };
  return { mean, weight, totalVariance, frame, sample: reservoir.sample().rows };
}

interface Pass {
  readonly centroids: Float64Array;
  /** Of the centroids before this pass. */
  readonly hard: number;
}

type Numbers = Float32Array | Float64Array;

/** Assigns all tokens and moves each centroid to the mean of its own; one without tokens stays. */
async function onePass(
  source: TokenSource,
  { frame, weight }: Statistics,
  before: Float64Array,
  dtype: FloatDType,
  run: (tokens: Numbers, weights: Numbers, framed: Numbers) => Promise<readonly Numbers[]>,
): Promise<Pass> {
  const { dimension } = source;
  const { offset, scale } = frame;
  const make = (length: number): Numbers => (dtype === 'float32' ? new Float32Array(length) : new Float64Array(length));
  const framed = make(before.length);
  before.forEach((value, index) => (framed[index] = (value - offset[index % dimension]!) / scale));
  const sums = new Float64Array(before.length);
  const mass = new Float64Array(before.length / dimension);
  const tokens = make(rows * dimension);
  const weights = make(rows);
  let error = 0;
  let filled = 0;
  const flush = async (): Promise<void> => {
    tokens.fill(0, filled * dimension);
    weights.fill(0, filled);
    const [ownSums, ownMass, ownError] = await run(tokens, weights, framed);
    ownSums!.forEach((value, index) => (sums[index]! += value));
    ownMass!.forEach((value, index) => (mass[index]! += value));
    error += ownError![0]!;
    filled = 0;
  };
  for await (const block of source.blocks('stored')) {
    for (let row = 0; row < block.rows; row++) {
      const own = block.weights?.[row] ?? 1;
      weights[filled] = own;
      for (let axis = 0; axis < dimension; axis++) {
        // 0 times a number that is not finite would be NaN.
        tokens[filled * dimension + axis] =
          own === 0 ? 0 : (block.data[row * dimension + axis]! - offset[axis]!) / scale;
      }
      if (++filled === rows) await flush();
    }
  }
  if (filled > 0) await flush();
  const centroids = before.map((value, index) => {
    const own = mass[Math.floor(index / dimension)]!;
    return own > 0 ? (sums[index]! / own) * scale + offset[index % dimension]! : value;
  });
  return { centroids, hard: (error / weight) * scale ** 2 };
}

function hardModel(
  centroids: Float64Array,
  dimension: number,
  dtype: FloatDType,
  { frame, totalVariance }: Statistics,
): DdclModel {
  const prototypes = dtype === 'float32' ? Float64Array.from(Float32Array.from(centroids)) : centroids;
  const { offset, scale } = frame;
  const temperature = hardShare * totalVariance;
  return {
    count: centroids.length / dimension,
    dimension,
    dtype,
    prototypes,
    temperature,
    // T_c is not measured: it is at most this, and no temperature is derived from it here.
    criticalTemperature: 4 * totalVariance,
    offset,
    scale,
    totalVariance,
  };
}

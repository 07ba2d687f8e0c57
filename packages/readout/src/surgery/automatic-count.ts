import { createRandom, DdclError } from '@ddcl/core';
import {
  fit,
  tokensFromArray,
  tokensFromReader,
  tokenStatistics,
  type FitOptions,
  type FitProgress,
  type FitResult,
  type TokenSource,
  type TokenStatistics,
} from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';
import { joinPath, type JoinStep } from './join-path.ts';

/** Where a search stands; for progress displays. */
export interface AutomaticCountProgress extends Omit<FitProgress, 'phase'> {
  /** `sample`: the pass that draws it; `search`: a fit of the sample; `fit`: the last fit, of all tokens. */
  readonly phase: 'sample' | 'search' | 'fit';
  /** Prototypes of the fit that is under way; 0 before the first. */
  readonly count: number;
}

export interface AutomaticCountOptions extends Pick<
  FitOptions,
  'temperature' | 'batch' | 'learningRate' | 'dtype' | 'seed' | 'signal'
> {
  /** Largest number of prototypes that may be chosen, >= 1. Default 32. */
  readonly maxCount?: number;
  /** What one more prototype has to be worth, in nats of evidence; >= 0. Default {@link defaultPrice}. */
  readonly price?: number;
  /** Optimiser steps of each fit of the search. Default 300. */
  readonly searchSteps?: number;
  /** Optimiser steps of the last fit, which starts where the search ended. Default 400. */
  readonly steps?: number;
  readonly onProgress?: (progress: AutomaticCountProgress) => void;
}

/** One number of prototypes that was considered. */
export interface CountCandidate {
  readonly count: number;
  /**
   * In nats, 0 for one prototype, lowest for the count that is chosen (unless `maxCount` cut it off): each prototype
   * more lowers it by the evidence for the valley that it stands behind, and raises it by its price.
   */
  readonly criterion: number;
  /** Evidence in nats of the weakest valley between two of the groups; undefined for one group. */
  readonly evidence: number | undefined;
  /** Mean squared distance of the sample's tokens to the centroids of their groups, in the tokens' units squared. */
  readonly hard: number;
  /**
   * T below which the first of these groups parts: 4 times its variance along the axis between its parts (docs/math.md
   * section 5). For the largest count it is the temperature of the fit. In the tokens' units squared.
   */
  readonly temperature: number;
}

/** The fit of the chosen number of prototypes, and how it was chosen. */
export interface AutomaticCountResult extends FitResult {
  readonly criterion: 'valley evidence';
  /** From 1 up to the last count that was judged or `maxCount`. */
  readonly candidates: readonly CountCandidate[];
  /** Prototypes of the fits of the search, ascending; the candidates come from the last. */
  readonly searched: readonly number[];
}

/** From 0.5 to 2 nats 40 planted sets came out alike; at 3 clusters of few tokens get lost. */
export const defaultPrice = 1.5;

/** Prototypes per cluster that a search needs, so that every cluster has one to itself. */
const surplus = 1.5;
const firstCount = 8;
const mostSampled = 16_384;
const sampleElements = 1 << 23;

/** The last fit starts near its end, so it steps more carefully than one that has to anneal. */
const finalLearningRate = 0.02;

/**
 * Chooses the number of prototypes and fits them.
 *
 * A sample of at most 16,384 tokens is fitted by annealing with more prototypes than there are clusters: 8, then twice as
 * many, until there are 1.5 for each cluster found. Each of these fits anneals anew, since a fit relocates
 * prototypes only when it anneals. Then cells are joined two by two, down to one. Two groups
 * stay apart if the tokens between them thin out: along the axis through their centroids the density falls below half
 * that of the lower side. The criterion is the evidence for that valley in nats, a likelihood ratio in which every token is
 * placed by centroids that were computed without it (leave one out), not by those that were fitted to it.
 *
 * Why not another one. The quantization error of held-out tokens was lower at twice the planted count than at the planted
 * one, on all three sets that were tried. The BIC of a Gaussian mixture on the same joinings (20 planted sets, two seeds)
 * was within one of the planted count on 32 of 40 with spherical clusters and on 37 with diagonal covariances, since
 * it cuts elongated clusters in pieces, where this criterion was exact on all; and it takes one cluster with heavy tails
 * (Student's t with 3 degrees of freedom, 8 dimensions) for 44 and 2.
 *
 * So a cluster is a mode of the density. Clusters nearer than about 4 standard deviations have no valley between them and are
 * joined, which can take many at once; so are those of fewer than about ten tokens in the sample.
 *
 * @throws DdclError as `fit`; `argument` for options out of range
 */
export async function fitAutomatic(
  backend: Backend,
  source: TokenSource,
  options: AutomaticCountOptions = {},
): Promise<AutomaticCountResult> {
  const { maxCount = 32, price = defaultPrice, steps = 400, seed = 0, signal, onProgress } = options;
  checkOptions(options);
  const most = Math.ceil(surplus * maxCount);
  const statistics = await tokenStatistics(source, {
    random: createRandom(seed).fork('automatic count'),
    sampleSize: Math.min(mostSampled, Math.max(1024, 4 * most, Math.floor(sampleElements / source.dimension))),
    signal,
    onProgress: (done) =>
      onProgress?.({ phase: 'sample', count: 0, restart: 0, restarts: 1, done, total: source.tokens }),
  });
  const { path, searched, temperature } = await search(backend, statistics, source.dimension, most, options);
  const candidates = listCandidates(path, price, temperature).filter(({ count }) => count <= maxCount);
  const count = Math.min(maxCount, chosenStep(path, price).groups.length);
  const { groups } = path.find((step) => step.groups.length === count)!;
  const start = new Float64Array(count * source.dimension);
  groups.forEach(({ centroid }, k) => start.set(centroid, k * source.dimension));
  const fitted = await fit(backend, source, {
    ...fitOptions(options, 'fit', count),
    learningRate: options.learningRate ?? finalLearningRate,
    steps,
    start,
    anneal: false,
  });
  return { ...fitted, criterion: 'valley evidence', candidates, searched };
}

function checkOptions({ maxCount = 1, price = defaultPrice, searchSteps = 1, steps = 1 }: AutomaticCountOptions): void {
  for (const [name, value] of Object.entries({ maxCount, searchSteps, steps })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new DdclError('argument', `${name} must be a whole number >= 1, but is ${value}.`);
  }
  if (price >= 0 && price < Infinity) return;
  throw new DdclError('argument', `price must be a number >= 0, but is ${price}. The default is ${defaultPrice}.`);
}

/** What both kinds of fits share. */
function fitOptions(options: AutomaticCountOptions, phase: 'search' | 'fit', count: number): FitOptions {
  const { temperature, batch, learningRate, dtype, seed, signal, onProgress } = options;
  return {
    prototypes: count,
    ...(temperature === undefined ? {} : { temperature }),
    ...(batch === undefined ? {} : { batch }),
    ...(learningRate === undefined ? {} : { learningRate }),
    ...(dtype === undefined ? {} : { dtype }),
    ...(seed === undefined ? {} : { seed }),
    ...(signal === undefined ? {} : { signal }),
    onProgress: (progress) => onProgress?.({ ...progress, phase, count }),
  };
}

interface Search {
  readonly path: readonly JoinStep[];
  readonly searched: readonly number[];
  readonly temperature: number;
}

/** Fits the sample with more and more prototypes, until there are enough for the clusters that are found. */
async function search(
  backend: Backend,
  { sample }: TokenStatistics,
  dimension: number,
  most: number,
  options: AutomaticCountOptions,
): Promise<Search> {
  const { price = defaultPrice, searchSteps = 300 } = options;
  const { rows, weights } = sample;
  const tokens = tokensFromReader(tokensFromArray(rows, dimension, weights));
  // Rare tokens may be missing in the sample, so those of the sample count.
  const { distinctTokens } = await tokenStatistics(tokens, {
    random: createRandom(0),
    sampleSize: 1,
    countDistinctUpTo: most,
    signal: options.signal,
  });
  const limit = Math.min(most, distinctTokens);
  const searched: number[] = [];
  for (let count = Math.min(firstCount, limit); ; count = Math.min(limit, 2 * count)) {
    // The search looks for cells; how soft a user wants them in the end does not matter to it.
    const { temperature: _, ...rest } = fitOptions(options, 'search', count);
    const { model } = await fit(backend, tokens, { ...rest, steps: searchSteps, records: 1 });
    searched.push(count);
    const path = joinPath({ rows, weights, dimension }, model.prototypes, price);
    if (count === limit || count >= surplus * chosenStep(path, price).groups.length)
      return { path, searched, temperature: model.temperature };
  }
}

/** The first step at which no pair is worth less than its price; then none of the later ones is either (see `joinPath`). */
function chosenStep(path: readonly JoinStep[], price: number): JoinStep {
  return path.find(({ evidence }) => evidence === undefined || evidence >= price)!;
}

/** From one group up. */
function listCandidates(path: readonly JoinStep[], price: number, coldest: number): CountCandidate[] {
  let criterion = 0;
  return [...path].reverse().map(({ groups, evidence, hard, temperature = coldest }) => {
    if (evidence !== undefined) criterion += price - evidence;
    return { count: groups.length, criterion, evidence, hard, temperature };
  });
}

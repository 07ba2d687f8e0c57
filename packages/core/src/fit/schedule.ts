import { DdclError } from '../errors/ddcl-error.ts';
import {
  constantSchedule,
  cosineSchedule,
  geometricSchedule,
  sequenceSchedule,
  type Schedule,
} from '../optimise/schedule.ts';
import type { Optimizer } from '../optimise/optimizer.ts';
import { startTemperatureShare } from '../temperature/resolve.ts';

/** Share of the steps over which a fit cools; the rest runs at the final temperature. */
export const coolingShare = 0.8;

/** Numbers of prototypes (K m) up to which a step costs next to nothing; there slower cooling finds better minima. */
const fewNumbers = 4096;
/** Up to here slow cooling follows one branch, and relocation cannot make up for it. */
const fewestNumbers = 128;

/** Annealed steps of a fit that was given no number of epochs; docs/decisions/0060-fast-fits.md has the measurements. */
export function defaultSteps(prototypes: number, dimension: number): number {
  const numbers = prototypes * dimension;
  return numbers <= fewestNumbers ? 100 : numbers <= fewNumbers ? 400 : 60;
}

/** Most passes over all tokens at the final temperature after the annealed steps. */
export const defaultRefinement = 10;

/** A pass that lowers L_q by a smaller share ends the refinement. */
export const defaultTolerance = 1e-3;

/** Relocations of a refined fit, with passes in between after which cells mean something again. */
const relocations = 3;
const passesBetween = 1;

/** Tokens per prototype that a pass between relocations looks at, at least, and tokens at least: means of fewer are noise. */
const tokensPerPrototype = 128;
const fewestTokens = 16_384;

/** Tokens per step, at most. */
const mostBatch = 8192;

/** Steps of a fit of so many epochs beyond which larger steps are quicker and no worse: a device is faster with more tokens at a time. */
const enoughSteps = 480;

/**
 * Tokens per step: enough that each prototype sees some, and no more, since steps count for more than their size. Where a number of epochs
 * asks for many steps, larger ones take their place.
 *
 * @param planned tokens that all steps together are to pass, if that is given
 */
export function defaultBatch(prototypes: number, planned = 0): number {
  const enough = Math.max(1024, 4 * prototypes, Math.floor(planned / enoughSteps));
  return Math.min(mostBatch, enough);
}

/** How the tokens of an epoch are divided into steps, and what comes after them. */
export interface StepPlan {
  readonly stepsPerEpoch: number;
  /** Tokens per step; the last step of an epoch may have fewer, by at most one per step. */
  readonly batchRows: number;
  /** Device blocks per step. */
  readonly parts: number;
  /** Tokens per device block. */
  readonly rows: number;
  /** Steps that cool; those after them are passes. */
  readonly annealing: number;
  /** Steps and passes. */
  readonly totalSteps: number;
  /** Numbers of the steps before which prototypes are relocated. */
  readonly relocations: readonly number[];
  /** Rounds of a relocation, at most: each can split a cell once. */
  readonly rounds: number;
  /** Blocks of a pass that is followed by a relocation, at most. */
  readonly partialBlocks: number;
}

export interface PlanOptions {
  readonly prototypes: number;
  readonly dimension: number;
  readonly batch?: number | undefined;
  readonly epochs?: number | undefined;
  readonly steps?: number | undefined;
  /** Passes at the end; default 0. */
  readonly passes?: number | undefined;
  readonly relocate?: boolean | undefined;
}

/**
 * Divides the tokens evenly: an epoch's last batch would otherwise be a small, noisy one.
 *
 * @param maxRows most tokens of a device block
 * @throws DdclError `argument` unless batch, epochs and steps are whole numbers >= 1
 */
export function planSteps(tokens: number, options: PlanOptions, maxRows: number): StepPlan {
  const { prototypes, dimension, epochs, passes = 0, relocate = false } = options;
  const { batch = defaultBatch(prototypes, (epochs ?? 0) * tokens) } = options;
  const { steps = defaultSteps(prototypes, dimension) } = options;
  for (const [name, value] of Object.entries({ batch, epochs, steps })) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw new DdclError('argument', `The number of ${name} must be a whole number >= 1, but is ${value}.`);
  }
  const even = Math.ceil(tokens / Math.max(1, Math.round(tokens / batch)));
  const parts = Math.ceil(even / Math.max(1, maxRows));
  const rows = Math.ceil(even / parts);
  const batchRows = parts * rows;
  // Counted from the rounded batch: small batches, each rounded up, hold all tokens in fewer steps.
  const stepsPerEpoch = Math.ceil(tokens / batchRows);
  const annealing = epochs === undefined ? steps : epochs * stepsPerEpoch;
  const between = Array.from({ length: relocations }, (_, index) => annealing + passesBetween * index);
  // Without passes the last steps, which are cold already, take their place.
  const places = passes === 0 ? [Math.round(coolingShare * annealing)] : between;
  return {
    stepsPerEpoch,
    batchRows,
    parts,
    rows,
    annealing,
    totalSteps: annealing + passes,
    relocations: relocate && prototypes > 1 ? places.filter((step) => step > 0 && step < annealing + passes) : [],
    // Where passes follow, cells are worth more after one; where a round costs next to nothing it is made at once.
    rounds: passes === 0 || prototypes * dimension <= fewNumbers ? 8 : 1,
    partialBlocks: Math.ceil(Math.max(fewestTokens, tokensPerPrototype * prototypes) / rows),
  };
}

/**
 * The temperature over a fit: from 0.9 T_c in equal factors to the final one, then constant. Restarts start at 0.9, 0.45 and
 * 0.225 T_c in turn: annealing forgets where prototypes began, so from one temperature all would end alike.
 */
export function temperatureSchedule(final: number, critical: number, anneal: boolean, restart = 0): Schedule {
  const start = (startTemperatureShare * critical) / 2 ** (restart % 3);
  if (!anneal || final >= start) return constantSchedule(final);
  return sequenceSchedule(geometricSchedule(start, final), coolingShare, constantSchedule(final));
}

/** A learning rate where none is given, and the share of it that is left at the end. */
interface Rate {
  readonly start: number;
  readonly endShare: number;
}

/** Adam's in units of the tokens' root-mean-square deviation per component; averages over batches have a rate without unit. */
const rates: { readonly averaging: Rate; readonly other: Rate } = {
  averaging: { start: 0.3, endShare: 1 / 6 },
  other: { start: 0.1, endShare: 0.01 },
};

const rateOf = ({ needsMass = false }: Optimizer): Rate => (needsMass ? rates.averaging : rates.other);

/** The learning rate of a fit that was given none. */
export function defaultLearningRate(optimizer: Optimizer): number {
  return rateOf(optimizer).start;
}

/** The learning rate over the annealed steps: half a cosine, to a sixth for averages over batches and to a hundredth for others. */
export function rateSchedule(learningRate: number, optimizer: Optimizer): Schedule {
  return cosineSchedule(learningRate, rateOf(optimizer).endShare * learningRate);
}

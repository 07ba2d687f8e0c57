import { DdclError } from '../errors/ddcl-error.ts';
import {
  constantSchedule,
  cosineSchedule,
  geometricSchedule,
  sequenceSchedule,
  type Schedule,
} from '../optimise/schedule.ts';
import { startTemperatureShare } from '../temperature/resolve.ts';

/** Share of the steps over which a fit cools; the rest runs at the final temperature. */
export const coolingShare = 0.8;

/** Share of the learning rate that is left at the last step. */
export const finalRateShare = 0.01;

/** Steps of a fit that was given no number of epochs; docs/decisions/0020-fit-defaults.md has the measurements. */
export const defaultSteps = 1600;

/** Adam's learning rate, in units of the tokens' root-mean-square deviation per component. */
export const defaultLearningRate = 0.1;

/** Tokens per step. */
export const defaultBatch = 4096;

/** How the tokens of an epoch are divided into steps. */
export interface StepPlan {
  readonly stepsPerEpoch: number;
  /** Tokens per step; the last step of an epoch may have fewer, by at most one per step. */
  readonly batchRows: number;
  /** Device blocks per step. */
  readonly parts: number;
  /** Tokens per device block. */
  readonly rows: number;
  readonly totalSteps: number;
}

/**
 * Divides the tokens evenly: an epoch's last batch would otherwise be a small, noisy one.
 *
 * @param maxRows most tokens of a device block
 * @throws DdclError `argument` unless batch, epochs and steps are whole numbers >= 1
 */
export function planSteps(
  tokens: number,
  {
    batch = defaultBatch,
    epochs,
    steps,
  }: { batch?: number | undefined; epochs?: number | undefined; steps?: number | undefined },
  maxRows: number,
): StepPlan {
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
  const totalSteps = epochs === undefined ? (steps ?? defaultSteps) : epochs * stepsPerEpoch;
  return { stepsPerEpoch, batchRows, parts, rows, totalSteps };
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

/** The learning rate over a fit: half a cosine down to a hundredth. */
export function rateSchedule(learningRate: number): Schedule {
  return cosineSchedule(learningRate, finalRateShare * learningRate);
}

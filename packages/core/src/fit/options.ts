import type { Start } from '../initialise/initialise.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { adam } from '../optimise/adam.ts';
import type { Optimizer } from '../optimise/optimizer.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { TemperatureChoice } from '../temperature/resolve.ts';
import type { HistoryRecord } from './history.ts';
import { defaultBatch, defaultLearningRate } from './schedule.ts';

/** When a fit may end before its last step. */
export interface EarlyStop {
  /** History records in a row without improvement, counted from the end of cooling; >= 1. */
  readonly patience: number;
  /** Relative decrease of L_q that counts as an improvement. Default 1e-4. */
  readonly minImprovement?: number;
}

/** Where a fit stands; for progress displays. */
export interface FitProgress {
  readonly phase: 'statistics' | 'fit' | 'measure' | 'stability';
  /** From 0. */
  readonly restart: number;
  readonly restarts: number;
  /** Steps, tokens or iterations done in this phase. */
  readonly done: number;
  /** How many there will be, where that is known. */
  readonly total: number | undefined;
}

export interface FitOptions {
  /** Number of prototypes K, >= 1. */
  readonly prototypes: number;
  /** Final temperature: a number, `{ ofCritical: 0.03 }` for a share of T_c, or `auto`, the default, which is a fixed share of it. */
  readonly temperature?: TemperatureChoice;
  /** Start at 0.9 T_c and cool (default), or run at the final temperature throughout. */
  readonly anneal?: boolean;
  /** Move prototypes that are worth more elsewhere, once, when cooling is done (see `relocate`). Only with `anneal`. Default true. */
  readonly relocate?: boolean;
  /** Passes over the tokens; default: as many as {@link steps} needs. */
  readonly epochs?: number;
  /** Optimiser steps, if `epochs` is left out; default 1600. */
  readonly steps?: number;
  /** Tokens per step; an epoch is divided evenly into steps of about this size. Default 4096. */
  readonly batch?: number;
  /**
   * Learning rate at the start; it falls to a hundredth along half a cosine. For Adam in units of the tokens'
   * root-mean-square deviation per component; for `sgd` without unit (see `Stability.maxLearningRate`). Default 0.1.
   */
  readonly learningRate?: number;
  /** Keep the learning rate constant. Default false. */
  readonly constantRate?: boolean;
  /** Default `adam()`. */
  readonly optimizer?: Optimizer;
  /** Where prototypes start; default `pulled`. */
  readonly start?: Start;
  /** Independent fits, started at 0.9, 0.45 and 0.225 T_c in turn, of which the one with the lowest hard error is kept. Default 1. */
  readonly restarts?: number;
  /** Default `float32`; `float64` needs a backend that has it. */
  readonly dtype?: FloatDType;
  /** A whole number >= 0; equal seeds give equal results on a deterministic backend. Default 0. */
  readonly seed?: number;
  /** Shuffle the tokens of each epoch. Default true. */
  readonly shuffle?: boolean;
  readonly earlyStop?: EarlyStop;
  /** History records per restart, >= 1. Default 100. */
  readonly records?: number;
  readonly signal?: AbortSignalLike;
  readonly onProgress?: (progress: FitProgress) => void;
  readonly onRecord?: (record: HistoryRecord) => void;
  /**
   * Called with the nearest prototype of each token in the model that is kept (ties go to the lowest), some tokens at a time, in stored
   * order: saves a pass to whoever wants the assignments too. A token of weight 0 may get any. With several restarts those of the best
   * one so far are kept until the last is measured: four bytes per token, twice.
   */
  readonly onCodes?: (codes: Int32Array) => void;
  /**
   * Offered after each history record and each restart; call `make` to get a checkpoint's bytes, as often as suits, but
   * before the promise returned here settles. A fit resumed from them ends exactly as the uninterrupted one.
   */
  readonly onCheckpoint?: (make: () => Promise<Uint8Array>) => void | Promise<void>;
  /** Bytes of a checkpoint of a fit with the same options and tokens. */
  readonly resume?: Uint8Array;
  /** What else decides the fit, such as where its tokens come from; kept in checkpoints, and compared on resume as the options are. */
  readonly identity?: Readonly<Record<string, string>>;
}

/** Options with their defaults filled in. */
export type ResolvedFitOptions = Required<
  Pick<
    FitOptions,
    | 'prototypes'
    | 'temperature'
    | 'anneal'
    | 'relocate'
    | 'batch'
    | 'learningRate'
    | 'constantRate'
    | 'optimizer'
    | 'start'
    | 'restarts'
    | 'dtype'
    | 'seed'
    | 'shuffle'
    | 'records'
  >
> &
  Omit<FitOptions, 'optimizer'>;

/** @throws DdclError `argument` for a number outside its range */
export function resolveFitOptions(options: FitOptions): ResolvedFitOptions {
  const resolved: ResolvedFitOptions = {
    ...options,
    temperature: options.temperature ?? 'auto',
    anneal: options.anneal ?? true,
    relocate: options.relocate ?? true,
    batch: options.batch ?? defaultBatch,
    learningRate: options.learningRate ?? defaultLearningRate,
    constantRate: options.constantRate ?? false,
    optimizer: options.optimizer ?? adam(),
    start: options.start ?? 'pulled',
    restarts: options.restarts ?? 1,
    dtype: options.dtype ?? 'float32',
    seed: options.seed ?? 0,
    shuffle: options.shuffle ?? true,
    records: options.records ?? 100,
  };
  const { prototypes, restarts, records, batch, epochs = 1, steps = 1, seed, learningRate, earlyStop } = resolved;
  const { patience = 1, minImprovement = 0 } = earlyStop ?? {};
  for (const [name, value, least] of [
    ['prototypes', prototypes, 1],
    ['restarts', restarts, 1],
    ['records', records, 1],
    ['batch', batch, 1],
    ['epochs', epochs, 1],
    ['steps', steps, 1],
    ['earlyStop.patience', patience, 1],
    ['seed', seed, 0],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new DdclError('argument', `${name} must be a whole number >= ${least}, but is ${value}.`);
  }
  if (!(learningRate > 0 && learningRate < Infinity)) {
    throw new DdclError(
      'argument',
      `learningRate must be a number > 0, but is ${learningRate}. The default is ${defaultLearningRate}.`,
    );
  }
  if (!(minImprovement >= 0 && minImprovement < 1)) {
    throw new DdclError(
      'argument',
      `earlyStop.minImprovement must be a share from 0 to below 1, but is ${minImprovement}.`,
    );
  }
  return resolved;
}

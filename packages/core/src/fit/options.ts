import type { Start } from '../initialize/initialize.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { massPreconditioned } from '../optimise/mass-preconditioned.ts';
import type { Optimizer } from '../optimise/optimizer.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { TemperatureChoice } from '../temperature/resolve.ts';
import type { HistoryRecord } from './history.ts';
import { defaultLearningRate, defaultRefinement, defaultTolerance } from './schedule.ts';
import { defaultTokenMemory } from './step-tokens.ts';

/** What comes after the annealed steps. */
export interface Refinement {
  /**
   * Most passes over all tokens at the final temperature, each of which sets every prototype to the mean of its tokens (weighted by
   * `a_n w_nk`, docs/math.md section 3). Default 10; 0 where `epochs` says how often the tokens are read.
   */
  readonly passes?: number;
  /** A pass that lowers L_q by a smaller share than this is the last, >= 0. Default 1e-3. */
  readonly tolerance?: number;
}

/** Where a fit stands; for progress displays. */
export interface FitProgress {
  readonly phase: 'statistics' | 'fit' | 'settle' | 'measure' | 'stability';
  /** From 0. */
  readonly restart: number;
  readonly restarts: number;
  /** Tokens passed, steps or iterations done in this phase. */
  readonly done: number;
  /** How many there will be, where that is known. */
  readonly total: number | undefined;
  /** Hard error of the last history record. */
  readonly hard?: number | undefined;
}

export interface FitOptions {
  /** Number of prototypes K, >= 1. */
  readonly prototypes: number;
  /** Final temperature: a number, `{ ofCritical: 0.03 }` for a share of T_c, or `auto`, the default: see docs/decisions/0062-auto-temperature.md. */
  readonly temperature?: TemperatureChoice;
  /** Start at 0.9 T_c and cool (default), or run at the final temperature throughout. */
  readonly anneal?: boolean;
  /** Move prototypes that are worth more elsewhere when cooling is done (see `relocate`). Only with `anneal`. Default true. */
  readonly relocate?: boolean;
  /** Passes over the tokens of the annealed steps; default: as many as {@link steps} needs. */
  readonly epochs?: number;
  /** Annealed steps, if `epochs` is left out; default 60; where K m is small they are cheap: 400 up to 4096, and 100 up to 128. */
  readonly steps?: number;
  /**
   * Tokens per step; an epoch is divided evenly into steps of about this size. Default 4 K, at least 1024 and at most 8192; with `epochs` also
   * so many that there are about 480 steps, within the same bounds.
   */
  readonly batch?: number;
  /** Passes that end the fit. Only with an optimiser that averages, as the default one does. */
  readonly refinement?: Refinement;
  /**
   * Learning rate at the start; it falls along half a cosine. For `massPreconditioned` the share of a step in the running average, in
   * 0..1, falling to a sixth, default 0.3. For Adam in units of the tokens' root-mean-square deviation per component, falling to a hundredth, default
   * 0.1; for `sgd` without unit (see `Stability.maxLearningRate`).
   */
  readonly learningRate?: number;
  /** Keep the learning rate constant. Default false. */
  readonly constantRate?: boolean;
  /** Default `massPreconditioned()`. */
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
  /** History records of the annealed steps of a restart, >= 1; each pass of the refinement has one too. Default 12 to 100, by the number of steps. */
  readonly records?: number;
  /** Bytes that tokens may take on the device to stay there; more are read anew for each pass. Default 512 MiB. */
  readonly tokenMemory?: number;
  /**
   * Take the prototypes that are kept into the minimum that they are near (`settlePrototypes`), and off the saddle points on the way, so that
   * the certificate's eigenvalues are positive. Takes a few times as long as the fit. Where T is above the mean hard error the minimum of L_q
   * may have a higher hard error. Default false.
   */
  readonly settle?: boolean;
  readonly signal?: AbortSignalLike;
  readonly onProgress?: (progress: FitProgress) => void;
  /** Told what makes the fit slower than asked for. */
  readonly onWarning?: (warning: string) => void;
  /** Called after each history record; `prototypes` [K, m] are those of then, in the tokens' units, and the caller's to keep. */
  readonly onRecord?: (record: HistoryRecord, prototypes: Float64Array) => void;
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
    | 'learningRate'
    | 'constantRate'
    | 'optimizer'
    | 'start'
    | 'restarts'
    | 'dtype'
    | 'seed'
    | 'shuffle'
    | 'tokenMemory'
    | 'settle'
  >
> &
  Omit<FitOptions, 'optimizer' | 'refinement'> & { readonly refinement: Required<Refinement> };

/** @throws DdclError `argument` for a number outside its range */
export function resolveFitOptions(options: FitOptions): ResolvedFitOptions {
  const optimizer = options.optimizer ?? massPreconditioned();
  const passes = optimizer.needsMass === true && options.epochs === undefined ? defaultRefinement : 0;
  const resolved: ResolvedFitOptions = {
    ...options,
    temperature: options.temperature ?? 'auto',
    anneal: options.anneal ?? true,
    relocate: options.relocate ?? true,
    learningRate: options.learningRate ?? defaultLearningRate(optimizer),
    refinement: { passes, tolerance: defaultTolerance, ...options.refinement },
    constantRate: options.constantRate ?? false,
    optimizer,
    start: options.start ?? 'pulled',
    restarts: options.restarts ?? 1,
    dtype: options.dtype ?? 'float32',
    seed: options.seed ?? 0,
    shuffle: options.shuffle ?? true,
    tokenMemory: options.tokenMemory ?? defaultTokenMemory,
    settle: options.settle ?? false,
  };
  const {
    prototypes,
    restarts,
    records = 1,
    batch = 1,
    epochs = 1,
    steps = 1,
    seed,
    learningRate,
    refinement,
    tokenMemory,
  } = resolved;
  for (const [name, value, least] of [
    ['prototypes', prototypes, 1],
    ['restarts', restarts, 1],
    ['records', records, 1],
    ['batch', batch, 1],
    ['epochs', epochs, 1],
    ['steps', steps, 1],
    ['refinement.passes', refinement.passes, 0],
    ['seed', seed, 0],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new DdclError('argument', `${name} must be a whole number >= ${least}, but is ${value}.`);
  }
  if (!(learningRate > 0 && learningRate < Infinity)) {
    throw new DdclError(
      'argument',
      `learningRate must be a number > 0, but is ${learningRate}. The default is ${defaultLearningRate(optimizer)}.`,
    );
  }
  if (optimizer.needsMass === true && learningRate > 1) {
    throw new DdclError(
      'argument',
      `learningRate is the share of a step in a running average for ${optimizer.name}, so at most 1, but is ${learningRate}. The default is ${defaultLearningRate(optimizer)}.`,
    );
  }
  if (!(refinement.tolerance >= 0 && refinement.tolerance < 1)) {
    throw new DdclError(
      'argument',
      `refinement.tolerance must be a share from 0 to below 1, but is ${refinement.tolerance}.`,
    );
  }
  if (refinement.passes > 0 && optimizer.needsMass !== true) {
    throw new DdclError(
      'argument',
      `refinement sets prototypes to means of their tokens, which ${optimizer.name} does not do. Leave it out, or take massPreconditioned.`,
    );
  }
  if (!(tokenMemory >= 0)) {
    throw new DdclError('argument', `tokenMemory must be a number of bytes >= 0, but is ${tokenMemory}.`);
  }
  return resolved;
}

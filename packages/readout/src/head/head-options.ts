import { DdclError } from '@ddcl/core';
import type { FitOptions } from '@ddcl/core/fit';

/** What happened in one pass over the training documents. */
export interface HeadEpoch {
  /** From 1. */
  readonly epoch: number;
  /** AdamW's decay of this run; several may be tried. */
  readonly weightDecay: number;
  /** Cross entropy per document + lambda * lq. These are means over the epoch's steps, each before its update. */
  readonly loss: number;
  /** Nats per document. */
  readonly crossEntropy: number;
  /** L_q per token, divided by the tokens' total variance: no unit. 0 where it is not part of the loss. */
  readonly lq: number;
  /** Share of training documents that are right, 0..1. */
  readonly accuracy: number;
  /** Of the documents held out, after the epoch. */
  readonly validation?: { readonly crossEntropy: number; readonly accuracy: number };
}

/** Options that all supervised heads share. */
export interface HeadTrainingOptions {
  /** Passes over the training documents, >= 1. Default 20. */
  readonly epochs?: number;
  /** Documents per step, >= 1. Default 32. */
  readonly batch?: number;
  /**
   * Adam's rate for the head, > 0; it falls to a hundredth along half a cosine, as every rate here. Features are scaled so that magnitudes of a
   * document sum up to about sqrt(m). Default 0.02.
   */
  readonly learningRate?: number;
  /**
   * AdamW's decay of the head's weights, >= 0. Of several, each is trained and the one with the lowest validation cross entropy is
   * kept, which needs a `validationShare`. Default 0.01.
   */
  readonly weightDecay?: number | readonly number[];
  /** Share of the documents, of each class alike, that is held out of training: 0 <= share < 1. Default 0. */
  readonly validationShare?: number;
  /**
   * With a `validationShare` the parameters of the epoch with the lowest validation cross entropy are returned, and training ends
   * after this many epochs without a lower one, >= 1. Default 5.
   */
  readonly patience?: number;
  /** A whole number >= 0; equal seeds give equal results on a deterministic backend. Default 0. */
  readonly seed?: number;
  /** Most padded lengths that documents are brought to; two programs are compiled for each, >= 1. Default 4. */
  readonly paddedLengths?: number;
  readonly signal?: FitOptions['signal'];
  readonly onEpoch?: (epoch: HeadEpoch) => void;
}

/** {@link HeadTrainingOptions} with defaults filled in. */
export interface ResolvedHeadOptions extends Required<Omit<HeadTrainingOptions, 'signal' | 'onEpoch' | 'weightDecay'>> {
  readonly weightDecays: readonly number[];
  /** Adam's rate for prototypes or attention. */
  readonly partRate: number;
  readonly signal: FitOptions['signal'] | undefined;
  readonly onEpoch: ((epoch: HeadEpoch) => void) | undefined;
}

/** @throws DdclError `argument` for a number outside its range */
export function resolveHeadOptions(
  options: HeadTrainingOptions,
  partRate: { readonly name: string; readonly value: number },
): ResolvedHeadOptions {
  const { weightDecay = 0.01 } = options;
  const resolved: ResolvedHeadOptions = {
    epochs: options.epochs ?? 20,
    batch: options.batch ?? 32,
    learningRate: options.learningRate ?? 0.02,
    weightDecays: typeof weightDecay === 'number' ? [weightDecay] : [...weightDecay],
    validationShare: options.validationShare ?? 0,
    patience: options.patience ?? 5,
    seed: options.seed ?? 0,
    paddedLengths: options.paddedLengths ?? 4,
    partRate: partRate.value,
    signal: options.signal,
    onEpoch: options.onEpoch,
  };
  for (const [name, least] of [
    ['epochs', 1],
    ['batch', 1],
    ['patience', 1],
    ['paddedLengths', 1],
    ['seed', 0],
  ] as const) {
    requireNumber(name, resolved[name], Number.isSafeInteger(resolved[name]) && resolved[name] >= least, () => {
      return `a whole number >= ${least}`;
    });
  }
  for (const [name, value] of [
    ['learningRate', resolved.learningRate],
    [partRate.name, partRate.value],
  ] as const) {
    requireNumber(name, value, value > 0 && value < Infinity, () => 'a number > 0');
  }
  const { validationShare, weightDecays } = resolved;
  requireNumber('validationShare', validationShare, validationShare >= 0 && validationShare < 1, () => {
    return 'a share from 0 to below 1';
  });
  for (const decay of weightDecays) {
    requireNumber('weightDecay', decay, decay >= 0 && decay < Infinity, () => 'a number >= 0, or a list of them');
  }
  if (weightDecays.length === 0 || (weightDecays.length > 1 && validationShare === 0)) {
    throw new DdclError(
      'argument',
      weightDecays.length === 0
        ? 'weightDecay is an empty list. Give at least one number >= 0.'
        : 'To choose among several values of weightDecay documents have to be held out. Set validationShare, such as 0.1, or give one value.',
    );
  }
  return resolved;
}

/** @throws DdclError `argument` unless it is right */
export function requireNumber(name: string, value: number, isRight: boolean, wanted: () => string): void {
  if (!isRight) throw new DdclError('argument', `${name} must be ${wanted()}, but is ${value}.`);
}

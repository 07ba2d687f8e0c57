import { DdclError } from '@ddcl/core';
import type { DdclModel, FitOptions, TokenSource } from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';
import { cellAxes } from './cell-axes.ts';
import { prototypeAt, withPrototypes } from './with-prototypes.ts';

export interface SplitOptions {
  /** Split at most so many, those of largest gain; a whole number >= 0. Default: all that the criterion names. */
  readonly most?: number;
  /** T of the criterion and of the assignments, in the tokens' units squared. Default: the model's. */
  readonly temperature?: number;
  /** Distance of both halves from the prototype, in standard deviations of its cell along the direction; > 0. Default 0.1. */
  readonly displacement?: number;
  /** For the start of the search for directions. Default 0. */
  readonly seed?: number;
  /** Most passes over the tokens that search for directions. Default 40; with fewer, variances come out too small, never too large. */
  readonly passes?: number;
  readonly signal?: FitOptions['signal'];
}

/** A prototype that was split in two. */
export interface SplitPrototype {
  /** Its number, before and after; it lies on the positive side of the direction now. */
  readonly prototype: number;
  /** Number of the new one, on the negative side. */
  readonly added: number;
  /** Largest eigenvalue of its cell's covariance, in the tokens' units squared; `4 * variance` is the cell's critical temperature. */
  readonly variance: number;
  /** Share of the token weight in its cell. */
  readonly share: number;
  /** What the mean loss falls by per squared displacement, to second order: `share (4 variance / T - 1)`, > 0. */
  readonly gain: number;
}

export interface SplitResult {
  readonly model: DdclModel;
  /** Largest gain first. */
  readonly split: readonly SplitPrototype[];
}

/**
 * Splits the prototypes whose cells are unstable: `T < 4 lambda_max` of the covariance of the tokens they share, the
 * criterion of docs/math.md section 5 for a cell instead of all tokens. Each becomes two, a little apart along the leading
 * eigenvector, from where a fit without annealing drives them on. The first stays in its place; new ones come at the end, in the
 * order of their prototypes' numbers.
 *
 * Cells are soft: tokens are weighted by `a_n q_nk`, at T. So for one prototype the bound is exactly T_c, and a group of
 * equal prototypes shares its cell (merge first, or each of them is split). Variances are computed over all
 * tokens, not a sample, in at most `passes + 1` passes with flat memory: all cells share a pass, so it costs what a pass of a
 * fit does, and cells with few tokens, of which a sample would hold too few, are judged as well as large ones.
 *
 * @throws DdclError `argument` for options out of range; `shape` for tokens of another dimension; `data` for tokens that are not
 *   finite or without weight
 */
export async function splitPrototypes(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  options: SplitOptions = {},
): Promise<SplitResult> {
  const { most = model.count, temperature = model.temperature, displacement = 0.1, seed = 0, passes = 40 } = options;
  checkNumbers(most, temperature, displacement);
  if (source.dimension !== model.dimension) {
    throw new DdclError(
      'shape',
      `The model has dimension ${model.dimension}, but the tokens have ${source.dimension}. Give tokens of the same encoder.`,
    );
  }
  const { shares, variances, axes } = await cellAxes(backend, model, source, {
    temperature,
    tolerance: 1e-2,
    passes,
    seed,
    signal: options.signal,
  });
  const gains = variances.map((variance, k) => shares[k]! * ((4 * variance) / temperature - 1));
  const chosen = Array.from(gains.keys())
    .filter((k) => gains[k]! > 0)
    .sort((a, b) => gains[b]! - gains[a]! || a - b)
    .slice(0, most);

  const { count, dimension } = model;
  const rows = Array.from({ length: count }, (_, k) => prototypeAt(model, k));
  const added = new Map<number, number>();
  for (const k of [...chosen].sort((a, b) => a - b)) {
    const step = displacement * Math.sqrt(variances[k]!);
    const axis = axes.subarray(k * dimension, (k + 1) * dimension);
    const centre = rows[k]!;
    added.set(k, rows.length);
    rows.push(centre.map((value, index) => value - step * axis[index]!));
    rows[k] = centre.map((value, index) => value + step * axis[index]!);
  }
  return {
    model: withPrototypes(model, rows),
    split: chosen.map((k) => ({
      prototype: k,
      added: added.get(k)!,
      variance: variances[k]!,
      share: shares[k]!,
      gain: gains[k]!,
    })),
  };
}

function checkNumbers(most: number, temperature: number, displacement: number): void {
  if (!Number.isSafeInteger(most) || most < 0) {
    throw new DdclError('argument', `most must be a whole number >= 0, but is ${most}.`);
  }
  for (const [name, value] of Object.entries({ temperature, displacement })) {
    if (value > 0 && value < Infinity) continue;
    throw new DdclError('argument', `${name} must be a number > 0, but is ${value}.`);
  }
}

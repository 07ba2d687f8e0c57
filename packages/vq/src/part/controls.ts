import { DdclError, type Random } from '@ddcl/core';
import { requireNumber, requireObject } from '../checks/require.ts';
import { books, tokensPerVector } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { controlNames, inputTypes } from './names.ts';

/** How controls go over a run, from progress 0 to 1. */
export interface QuantizerSchedule {
  /** Share of the run before the quantizer: the decoder sees latents as they are. Default 0. */
  readonly warmUp?: number;
  /** `ddcl`: T / T_c at the start, at most about 0.1 beside an encoder, which loses its rank above. Default 0.05. */
  readonly start?: number;
  /** `ddcl`: T / T_c at the end. Default 0.001. */
  readonly end?: number;
  /** Share of the run over which temperatures cool geometrically. Default 0.7. */
  readonly coolOver?: number;
  /** `ddcl`: variance of the noise on latents, in units of T / 2 per component. Default 1. */
  readonly noise?: number;
  /** Temperature of mixtures and draws at the start and the end, in the latents' units squared. Default 1 and 0.05. */
  readonly tauStart?: number;
  readonly tauEnd?: number;
  /** Fewest residual levels in a step: as many as are drawn evenly from here to the depth. Default the depth: all. */
  readonly leastDepth?: number;
}

/**
 * Controls of a step by name, without prefix.
 *
 * @param progress 0..1; @param random draws how many levels count
 * @throws DdclError `argument` for a schedule out of range
 */
export function quantizerControls(
  spec: ResolvedSpec,
  schedule: QuantizerSchedule,
  progress: number,
  random: Random,
): Record<string, number> {
  requireObject('The schedule', schedule, 'an object such as { start, end }');
  for (const [name, value] of Object.entries(schedule))
    if (value !== undefined) requireNumber(name, value, () => true, 'a number');
  const { warmUp = 0, start = 0.05, end = 0.001, coolOver = 0.7, noise = 1 } = schedule;
  const { tauStart = 1, tauEnd = 0.05, leastDepth = spec.depth } = schedule;
  const isRight =
    [start, end, tauStart, tauEnd].every((value) => value > 0 && value < Infinity) &&
    [warmUp, coolOver].every((value) => value >= 0 && value <= 1) &&
    noise >= 0 &&
    noise < Infinity;
  if (!isRight || !(start < 1)) {
    throw new DdclError(
      'argument',
      `A schedule has shares of a run in 0..1 (warmUp ${warmUp}, coolOver ${coolOver}), temperatures > 0 (start ${start}, below 1, end ${end}, tauStart ${tauStart}, tauEnd ${tauEnd}) and noise >= 0 (${noise}).`,
    );
  }
  if (!Number.isSafeInteger(leastDepth) || leastDepth < 1 || leastDepth > spec.depth) {
    throw new DdclError('argument', `leastDepth must be a whole number from 1 to ${spec.depth}, but is ${leastDepth}.`);
  }
  const cooled = coolOver === 0 ? 1 : Math.min(1, Math.max(0, progress - warmUp) / coolOver);
  const between = (from: number, to: number): number => from * (to / from) ** cooled;
  const all: Record<string, number> = {
    active: progress < warmUp ? 0 : 1,
    depth: leastDepth + random.integer(spec.depth - leastDepth + 1),
    share: between(start, end),
    noise,
    tau: between(tauStart, tauEnd),
  };
  return Object.fromEntries(controlNames(spec).map((name) => [name, all[name]!]));
}

/** Numbers of an input of a batch. */
export interface DrawnInput {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/**
 * Inputs of a step by name, without prefix: standard normal and Gumbel numbers, and for each code the token that it would move to.
 *
 * @param n vectors of the batch; @param weights theirs, so that no code moves to padding
 */
export function drawInputs(
  spec: ResolvedSpec,
  n: number,
  random: Random,
  weights?: ArrayLike<number>,
): Record<string, DrawnInput> {
  const types = inputTypes(spec, n, 'float32');
  return Object.fromEntries(
    Object.entries(types).map(([name, { shape }]) => {
      const sizes = shape as readonly number[];
      const length = sizes.reduce((product, size) => product * size, 1);
      if (name === 'rows') return [name, { data: drawRows(spec, n, random, length, weights), shape: sizes }];
      const draw = name === 'normals' ? random.normal : (): number => -Math.log(-Math.log(positive(random)));
      return [name, { data: Float32Array.from({ length }, draw), shape: sizes }];
    }),
  );
}

/** Uniform in (0, 1). */
function positive(random: Random): number {
  for (;;) {
    const value = random.uniform();
    if (value > 0) return value;
  }
}

function drawRows(
  spec: ResolvedSpec,
  n: number,
  random: Random,
  length: number,
  weights: ArrayLike<number> | undefined,
): Int32Array {
  const per = tokensPerVector(spec);
  const vectors = Array.from({ length: n }, (_, vector) => vector).filter(
    (vector) => weights === undefined || weights[vector]! > 0,
  );
  const rows = new Int32Array(length);
  if (vectors.length === 0) return rows;
  const perBook = length / books(spec).length;
  for (let start = 0; start < length; start += perBook) {
    // Tokens one after the other in a random order: two codes go to one token only where there are fewer tokens than codes.
    const order = random.permutation(vectors.length * per);
    for (let code = 0; code < perBook; code++) {
      const token = order[code % order.length]!;
      rows[start + code] = vectors[Math.floor(token / per)]! * per + (token % per);
    }
  }
  return rows;
}

import { DdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';
import type { TokenBatch } from './token-batch.ts';

/** Which tokens of a batch belong to which sequence, without those that do not count. */
export interface SequenceLayout {
  readonly dimension: number;
  /** Rows of `data`: tokens and padding. */
  readonly tokens: number;
  /** Number of sequences S, empty ones included. */
  readonly sequences: number;
  /** Places of the tokens of sequence s in `data`: `places[offsets[s]]` to `places[offsets[s + 1] - 1]`, in order. */
  readonly places: Int32Array;
  readonly offsets: Int32Array;
  /** Whether tokens have weights of their own. */
  readonly isWeighted: boolean;
  /** Weight of the token at a place; 1 where they have none. */
  weightAt(place: number): number;
}

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function requireShape({ data, shape, mask, segments, weights }: TokenBatch): void {
  requireFloats(data, 'Token vectors');
  const given = `[${shape.join(', ')}]`;
  if ((shape.length !== 2 && shape.length !== 3) || !shape.every(isWhole) || shape.at(-1) === 0) {
    throw new DdclError('shape', `Token vectors have shape [tokens, m] or [batch, sequence, m], but ${given} came.`);
  }
  const numbers = shape.reduce((product, size) => product * size, 1);
  if (data.length !== numbers) {
    throw new DdclError(
      'shape',
      `Token vectors of shape ${given} are ${numbers} numbers, but there are ${data.length}.`,
    );
  }
  const tokens = numbers / shape.at(-1)!;
  for (const [name, list, rank] of [
    ['mask', mask, 3],
    ['segments', segments, 2],
    ['weights', weights, shape.length],
  ] as const) {
    if (list === undefined) continue;
    if (shape.length !== rank) {
      const form = rank === 3 ? '[batch, sequence, m]' : '[tokens, m]';
      throw new DdclError(
        'shape',
        `${name} goes with tokens of shape ${form}, but theirs is ${given}. Leave it out${rank === 3 ? ', or give segments' : ', or give a mask'}.`,
      );
    }
    if (list.length !== tokens) {
      const expected = rank === 3 ? `[${shape[0]}, ${shape[1]}], which is ${tokens} numbers` : `${tokens} numbers`;
      throw new DdclError(
        'shape',
        `${name} must have one number per token of ${given}: ${expected}, but has ${list.length}.`,
      );
    }
  }
}

/**
 * Checks a batch and sorts its tokens by sequence. Tokens that the mask leaves out, and those of weight 0, do not appear.
 *
 * @throws DdclError `dtype` for numbers that are neither float32 nor float64; `shape` for lengths that do not fit; `data` for a mask, a weight or a segment that is not as documented
 */
export function layoutOf(batch: TokenBatch): SequenceLayout {
  requireShape(batch);
  const { shape, mask, segments, weights } = batch;
  const dimension = shape.at(-1)!;
  const tokens = shape.length === 2 ? shape[0]! : shape[0]! * shape[1]!;
  const length = shape.length === 3 ? shape[1]! : 0;
  const sequenceOf =
    segments !== undefined
      ? (place: number): number => segments[place]!
      : shape.length === 3
        ? (place: number): number => Math.floor(place / length)
        : (): number => 0;
  let sequences = shape.length === 3 ? shape[0]! : tokens > 0 ? 1 : 0;
  if (segments !== undefined) {
    sequences = 0;
    for (let place = 0; place < tokens; place++) {
      const segment = segments[place]!;
      if (!isWhole(segment) || segment >= 2 ** 31 - 1) {
        throw new DdclError(
          'data',
          `Segments are whole numbers >= 0, but token ${place} (counted from 0) has ${segment}.`,
        );
      }
      sequences = Math.max(sequences, segment + 1);
    }
  }
  const counts = (place: number): boolean => {
    if (mask !== undefined) {
      // A mask may hold bigints: Number() of 0n is 0.
      const own = Number(mask[place]);
      if (!(own >= 0 && own < Infinity)) {
        throw new DdclError(
          'data',
          `A mask is 0 for padding and 1 for tokens, but place ${place} (counted from 0) has ${own}.`,
        );
      }
      if (own === 0) return false;
    }
    const weight = weights === undefined ? 1 : weights[place]!;
    if (weight >= 0 && weight < Infinity) return weight > 0;
    throw new DdclError('data', `Weights are finite and >= 0, but token ${place} (counted from 0) has ${weight}.`);
  };
  const kept = new Uint8Array(tokens);
  const offsets = new Int32Array(sequences + 1);
  for (let place = 0; place < tokens; place++) {
    if (!counts(place)) continue;
    kept[place] = 1;
    offsets[sequenceOf(place) + 1]! += 1;
  }
  for (let sequence = 0; sequence < sequences; sequence++) offsets[sequence + 1]! += offsets[sequence]!;
  const places = new Int32Array(offsets[sequences]!);
  const next = offsets.slice();
  for (let place = 0; place < tokens; place++) {
    if (kept[place] === 1) places[next[sequenceOf(place)]!++] = place;
  }
  return {
    dimension,
    tokens,
    sequences,
    places,
    offsets,
    isWeighted: weights !== undefined,
    weightAt: (place) => (weights === undefined ? 1 : weights[place]!),
  };
}

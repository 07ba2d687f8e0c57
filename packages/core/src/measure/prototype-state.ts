import { asDType } from '../numbers/as-dtype.ts';
import type { PassNumbers } from '../pass/pass-program.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { TokenFrame } from '../tokens/device-blocks.ts';

/** Prototypes at a temperature, in the tokens' own units and as programs see them. */
export interface PrototypeState {
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  readonly frame: TokenFrame;
  /** [K, m], in the tokens' units. */
  readonly absolute: Float64Array;
  /** In the tokens' units squared. */
  readonly temperature: number;
  /** What programs of a token pass take: the prototypes in the frame [K, m] and the temperature there []. */
  inputs(): readonly [prototypes: PassNumbers, temperature: PassNumbers];
  /** The same prototypes at the same temperature, in another frame. */
  within(frame: TokenFrame): PrototypeState;
}

/** @param absolute prototypes in the tokens' units, [K, m] */
export function prototypeState(
  absolute: Float64Array,
  dimension: number,
  temperature: number,
  frame: TokenFrame,
  dtype: FloatDType,
): PrototypeState {
  const count = absolute.length / dimension;
  return {
    count,
    dimension,
    dtype,
    frame,
    absolute,
    temperature,
    inputs: () => [
      [{ dtype, shape: [count, dimension] }, asDType(toFrame(absolute, frame), dtype)],
      [{ dtype, shape: [] }, asDType([temperature / frame.scale ** 2], dtype)],
    ],
    within: (other) => prototypeState(absolute, dimension, temperature, other, dtype),
  };
}

/** `(p - offset) / scale`, rows of length m. */
export function toFrame(rows: Float64Array, { offset, scale }: TokenFrame): Float64Array {
  const framed = new Float64Array(rows.length);
  eachNumber(offset, rows.length, (index, own) => (framed[index] = (rows[index]! - own) / scale));
  return framed;
}

/** `p * scale + offset`, rows of length m. */
export function fromFrame(rows: ArrayLike<number>, { offset, scale }: TokenFrame): Float64Array {
  const absolute = new Float64Array(rows.length);
  eachNumber(offset, rows.length, (index, own) => (absolute[index] = rows[index]! * scale + own));
  return absolute;
}

/** Visits the numbers of rows with the offset of their axis; counting axes is faster than a remainder for each number. */
function eachNumber(offset: Float64Array, length: number, visit: (index: number, own: number) => void): void {
  const dimension = offset.length;
  for (let start = 0; start < length; start += dimension)
    for (let axis = 0; axis < dimension; axis++) visit(start + axis, offset[axis]!);
}

import type { DdclModel } from '@ddcl/core/fit';

/** Assignments below this share of the largest are none: float64 would not see them in a sum. */
export const leastLogarithm = -40;

/**
 * Assigns items to prototypes one by one, in float64 on the host: the one rule by which items are assigned at the end of a fit, at `encode`, in shards
 * and in updates, so that a result does not depend on which items come beside it (docs/math.md section 1).
 */
export interface Assigner {
  /** K. */
  readonly count: number;
  /** m. */
  readonly width: number;
  /** Lengths in the items' own units are those in the frame times this. */
  readonly frameScale: number;
  /** Prototypes in the frame, [K, m]. */
  readonly prototypes: Float64Array;
  /** T in the frame. */
  readonly temperature: number;
  /** Of the item that was assigned last, in the frame: `(z - offset) / scale`, [m]. */
  readonly item: Float64Array;
  /** Its assignments q, [K]. */
  readonly q: Float64Array;
  /** Its squared distances to the prototypes, in the frame, [K]. */
  readonly distances: Float64Array;
  /**
   * Assigns the item that begins at `start` of `rows`.
   *
   * @returns its nearest prototype; ties go to the lowest
   */
  assign(rows: Float32Array | Float64Array, start: number): number;
}

export function createAssigner({
  prototypes,
  count,
  dimension: width,
  offset,
  scale,
  temperature,
}: DdclModel): Assigner {
  const framed = new Float64Array(count * width);
  const halfSquares = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    for (let axis = 0; axis < width; axis++) {
      const value = (prototypes[k * width + axis]! - offset[axis]!) / scale;
      framed[k * width + axis] = value;
      halfSquares[k]! += 0.5 * value * value;
    }
  }
  const [item, q, distances] = [new Float64Array(width), new Float64Array(count), new Float64Array(count)];
  const inFrame = temperature / scale ** 2;
  const scores = new Float64Array(count);
  return {
    count,
    width,
    frameScale: scale,
    prototypes: framed,
    temperature: inFrame,
    item,
    q,
    distances,
    assign(rows, start) {
      let squares = 0;
      for (let axis = 0; axis < width; axis++) {
        const value = (rows[start + axis]! - offset[axis]!) / scale;
        item[axis] = value;
        squares += value * value;
      }
      addProducts(scores, framed, item, count, width);
      let best = 0;
      for (let k = 0; k < count; k++) {
        scores[k]! -= halfSquares[k]!;
        if (scores[k]! > scores[best]!) best = k;
      }
      let total = 0;
      for (let k = 0; k < count; k++) {
        distances[k] = Math.max(0, squares - 2 * scores[k]!);
        const logarithm = (2 * (scores[k]! - scores[best]!)) / inFrame;
        q[k] = logarithm < leastLogarithm ? 0 : Math.exp(logarithm);
        total += q[k]!;
      }
      for (let k = 0; k < count; k++) q[k]! /= total;
      return best;
    },
  };
}

/** `rows x item`, eight rows at a time: each number of the item is loaded once for them. Each row's sum is in the order of its numbers. */
function addProducts(target: Float64Array, rows: Float64Array, item: Float64Array, count: number, width: number): void {
  const [w2, w3, w4, w5, w6, w7] = [2 * width, 3 * width, 4 * width, 5 * width, 6 * width, 7 * width];
  let k = 0;
  for (; k + 8 <= count; k += 8) {
    let [a, b, c, d] = [0, 0, 0, 0];
    let [e, f, g, h] = [0, 0, 0, 0];
    let place = k * width;
    for (let axis = 0; axis < width; axis++, place++) {
      const value = item[axis]!;
      a += value * rows[place]!;
      b += value * rows[place + width]!;
      c += value * rows[place + w2]!;
      d += value * rows[place + w3]!;
      e += value * rows[place + w4]!;
      f += value * rows[place + w5]!;
      g += value * rows[place + w6]!;
      h += value * rows[place + w7]!;
    }
    target[k] = a;
    target[k + 1] = b;
    target[k + 2] = c;
    target[k + 3] = d;
    target[k + 4] = e;
    target[k + 5] = f;
    target[k + 6] = g;
    target[k + 7] = h;
  }
  for (; k < count; k++) {
    let sum = 0;
    for (let axis = 0; axis < width; axis++) sum += item[axis]! * rows[k * width + axis]!;
    target[k] = sum;
  }
}

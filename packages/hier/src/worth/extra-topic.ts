import type { DdclModel } from '@ddcl/core/fit';
import { createAssigner } from '../level/assigner.ts';

/** One prototype more, and what it is worth. */
export interface ExtraTopic {
  /** In the items' own units, [width]. */
  readonly point: Float64Array;
  /** What it takes off the hard error of items that it was not made from, as a share of it. */
  readonly gain: number;
  /** Share of these that are nearer to it than to any other prototype. */
  readonly share: number;
  /** How many these are. */
  readonly judges: number;
  /** The prototype that most of these were nearest to. */
  readonly near: number;
}

/** Rounds in which the new prototype goes to the mean of what is nearest to it. */
const rounds = 8;
/** Items that are looked at, at most. */
const mostItems = 2048;
/** Items that a new prototype is made from, at least, and that an update's are judged by: fewer are an accident. */
export const fewestItems = 5;

/**
 * The best place for one prototype more while the others stay: from the farther half of each cell, to the mean of what is nearest to it. It is made from every
 * second item and judged by the others, so that few items do not gain by being few.
 *
 * @param rows items of the last level, [n, width], in an order that has nothing to do with their topics; the first 2,048 are looked at
 * @returns `undefined` where no place has five of the items that it would be made from
 */
export function extraTopic(rows: Float32Array | Float64Array, model: DdclModel): ExtraTopic | undefined {
  const { dimension: width } = model;
  const assigner = createAssigner(model);
  const count = Math.min(mostItems, rows.length / width);
  const nearest = new Int32Array(count);
  const distances = new Float64Array(count);
  const framed = new Float64Array(count * width);
  for (let row = 0; row < count; row++) {
    nearest[row] = assigner.assign(rows, row * width);
    distances[row] = assigner.distances[nearest[row]!]!;
    framed.set(assigner.item, row * width);
  }
  const items = { framed, width, distances, count };
  let best: { readonly point: Float64Array; readonly taken: number } | undefined;
  for (let cell = 0; cell < model.count; cell++) {
    const own = rowsWhere(count, 0, (row) => nearest[row] === cell).sort((a, b) => distances[b]! - distances[a]!);
    let members = own.slice(0, Math.ceil(own.length / 2));
    let point = meanOf(framed, width, members);
    // A cell may have few of what others have more of: it counts how many are near in the end.
    for (let round = 0; round < rounds && members.length > 0; round++) {
      members = rowsWhere(count, 0, (row) => squaredDistance(items, row, point) < distances[row]!);
      if (members.length >= fewestItems) point = meanOf(framed, width, members);
      else break;
    }
    if (members.length < fewestItems) continue;
    const taken = gainOf(items, 0, point);
    if (taken > (best?.taken ?? 0)) best = { point, taken };
  }
  if (best === undefined) return undefined;
  const judges = rowsWhere(count, 1, () => true);
  const total = judges.reduce((sum, row) => sum + distances[row]!, 0);
  const captured = judges.filter((row) => squaredDistance(items, row, best.point) < distances[row]!);
  const votes = new Int32Array(model.count);
  for (const row of captured) votes[nearest[row]!]! += 1;
  return {
    point: best.point.map((value, axis) => value * model.scale + model.offset[axis]!),
    gain: total > 0 ? gainOf(items, 1, best.point) / total : 0,
    share: captured.length / Math.max(1, judges.length),
    judges: captured.length,
    near: votes.indexOf(Math.max(...votes)),
  };
}

interface Items {
  readonly framed: Float64Array;
  readonly width: number;
  readonly distances: Float64Array;
  readonly count: number;
}

/** Every second row, from `first` on. */
function rowsWhere(count: number, first: number, isWanted: (row: number) => boolean): number[] {
  const rows: number[] = [];
  for (let row = first; row < count; row += 2) if (isWanted(row)) rows.push(row);
  return rows;
}

function meanOf(framed: Float64Array, width: number, rows: readonly number[]): Float64Array {
  const mean = new Float64Array(width);
  for (const row of rows)
    for (let axis = 0; axis < width; axis++) mean[axis]! += framed[row * width + axis]! / rows.length;
  return mean;
}

function squaredDistance({ framed, width }: Items, row: number, point: Float64Array): number {
  let sum = 0;
  for (let axis = 0; axis < width; axis++) sum += (framed[row * width + axis]! - point[axis]!) ** 2;
  return sum;
}

function gainOf(items: Items, first: number, point: Float64Array): number {
  let gain = 0;
  for (let row = first; row < items.count; row += 2)
    gain += Math.max(0, items.distances[row]! - squaredDistance(items, row, point));
  return gain;
}

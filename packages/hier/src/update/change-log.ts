import { createAssigner } from '../level/assigner.ts';
import type { DdclModel } from '@ddcl/core/fit';

/** A topic that an update made. */
export interface BornTopic {
  /** A new id, or that of a topic that no document was nearest to. */
  readonly id: number;
  /** Whether the id was one that nothing used. */
  readonly reused: boolean;
  /** Documents of the update that are nearest to it, about. */
  readonly documents: number;
  /** The topic that most of these would be in without it. */
  readonly near: number;
}

/** What an update changed. Ids stay: a topic that is not named here means what it meant. */
export interface ChangeLog {
  /** Documents with tokens, and without. */
  readonly documents: number;
  readonly empty: number;
  readonly born: readonly BornTopic[];
  /** Topics that lost a fifth or more of the update's documents in them to one that was born. */
  readonly split: readonly { readonly id: number; readonly into: number; readonly documents: number }[];
  /** Pairs of topics that came closer to each other than 5 % of the deviation of the documents, and so mean the same; both ids stay. */
  readonly merged: readonly { readonly ids: readonly [number, number]; readonly distance: number }[];
  /** How far each topic went, in units of the documents' deviation, [K]; NaN for one that was born. */
  readonly drift: Float64Array;
}

/** A topic is split where another takes this share of its documents. */
const splitShare = 0.2;
/** Pairs closer than this share of the deviation are one, as `distinct` counts them. */
const joining = 0.05;

/** Topics that lost documents to those that were born. */
export function splitTopics(
  rows: Float32Array | Float64Array,
  before: DdclModel,
  after: DdclModel,
  scale: number,
): ChangeLog['split'] {
  const [old, now] = [createAssigner(before), createAssigner(after)];
  const own = new Int32Array(before.count);
  const lost = new Map<string, number>();
  for (let start = 0; start < rows.length; start += before.dimension) {
    const [from, to] = [old.assign(rows, start), now.assign(rows, start)];
    own[from]! += 1;
    if (from !== to) lost.set(`${from} ${to}`, (lost.get(`${from} ${to}`) ?? 0) + 1);
  }
  return [...lost].flatMap(([pair, documents]) => {
    const [id, into] = pair.split(' ').map(Number) as [number, number];
    return documents >= splitShare * own[id]! ? [{ id, into, documents: Math.round(documents * scale) }] : [];
  });
}

/** Pairs that are close now and were not. */
export function mergedTopics(before: DdclModel, after: DdclModel): ChangeLog['merged'] {
  const limit = joining * Math.sqrt(after.totalVariance);
  const pairs: { ids: [number, number]; distance: number }[] = [];
  for (let a = 0; a < after.count; a++) {
    for (let b = a + 1; b < after.count; b++) {
      const distance = distanceOf(after, a, after, b);
      const was = b < before.count ? distanceOf(before, a, before, b) : Infinity;
      if (distance < limit && !(was < limit)) pairs.push({ ids: [a, b], distance });
    }
  }
  return pairs;
}

/** How far each prototype went. */
export function driftOf(before: DdclModel, after: DdclModel, born: ReadonlySet<number>): Float64Array {
  const unit = 1 / Math.sqrt(after.totalVariance);
  return Float64Array.from({ length: after.count }, (_, k) =>
    born.has(k) || k >= before.count ? NaN : distanceOf(before, k, after, k) * unit,
  );
}

function distanceOf(one: DdclModel, a: number, two: DdclModel, b: number): number {
  const { dimension } = one;
  let sum = 0;
  for (let axis = 0; axis < dimension; axis++)
    sum += (one.prototypes[a * dimension + axis]! - two.prototypes[b * dimension + axis]!) ** 2;
  return Math.sqrt(sum);
}

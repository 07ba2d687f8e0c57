import { createExactSums, valuesOf, type SumParts } from '../exact/exact-sums.ts';
import { createClimber } from '../climb/climber.ts';
import type { ReadDocument } from '../documents/read-documents.ts';
import type { Assigner } from '../level/assigner.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import type { ResolvedLevel } from '../spec/resolve.ts';

/** Sums are multiples of this, in the frame of their level, where items are of order 1. */
export const sumUnit: number = 2 ** -28;
/** Items of a document whose sums are added up before they are rounded to the unit: their sum stays within range. */
const itemsAtOnce = 4096;

/** Exact sums over the items of a level at fixed prototypes (docs/math.md section 3), in its frame. */
export interface LevelSums {
  /** Items. */
  readonly items: number;
  /** `W^T X`, [K, m]. */
  readonly pulls: SumParts;
  /** `sum_n w_nk`, [K]. */
  readonly mass: SumParts;
  /** `sum_n [k = argmax_j q_nj]`, [K]. */
  readonly wins: SumParts;
  /** `sum_n l_n` and `sum_n min_k d_nk`. */
  readonly losses: SumParts;
}

/** Sums over documents at all levels. */
export interface SumCollector {
  /** @throws DdclError `data` for a document too far from all prototypes to be summed, or boundaries that do not fit */
  add(document: ReadDocument): void;
  readonly levels: readonly LevelSums[];
}

export function createSumCollector(resolved: readonly ResolvedLevel[], fitted: readonly FittedLevel[]): SumCollector {
  const climber = createClimber(resolved, fitted);
  const each = fitted.map(({ model }) => createOneLevel(model.count, model.dimension));
  return {
    add(document) {
      climber.climb(document, (level, assigner, _index, nearest) => each[level]!.add(assigner, nearest));
      for (const level of each) level.flush();
    },
    get levels() {
      return each.map((level) => level.result());
    },
  };
}

function createOneLevel(count: number, width: number) {
  const exact = {
    pulls: createExactSums(count * width, sumUnit),
    mass: createExactSums(count, sumUnit),
    wins: createExactSums(count, sumUnit),
    losses: createExactSums(2, sumUnit),
  };
  const names = ['pulls', 'mass', 'wins', 'losses'] as const;
  const open = {
    pulls: new Float64Array(count * width),
    mass: new Float64Array(count),
    wins: new Float64Array(count),
    losses: new Float64Array(2),
  };
  let [items, pending] = [0, 0];
  const flush = (): void => {
    if (pending === 0) return;
    for (const name of names) {
      const values = open[name];
      for (let index = 0; index < values.length; index++)
        if (values[index] !== 0) exact[name].add(index, values[index]!);
      values.fill(0);
    }
    pending = 0;
  };
  return {
    add({ q, distances, item, temperature }: Assigner, nearest: number): void {
      let loss = 0;
      for (let k = 0; k < count; k++) loss += q[k]! * distances[k]!;
      for (let k = 0; k < count; k++) {
        if (q[k] === 0) continue;
        const weight = q[k]! * (1 - (distances[k]! - loss) / temperature);
        open.mass[k]! += weight;
        const start = k * width;
        for (let axis = 0; axis < width; axis++) open.pulls[start + axis]! += weight * item[axis]!;
      }
      open.wins[nearest]! += 1;
      open.losses[0]! += loss;
      open.losses[1]! += distances[nearest]!;
      items += 1;
      if (++pending === itemsAtOnce) flush();
    },
    flush,
    result: (): LevelSums => ({
      items,
      pulls: exact.pulls.parts(),
      mass: exact.mass.parts(),
      wins: exact.wins.parts(),
      losses: exact.losses.parts(),
    }),
  };
}

/** Sums as numbers, in the frame. */
export function sumValues(sums: LevelSums): Readonly<Record<'pulls' | 'mass' | 'wins' | 'losses', Float64Array>> {
  return {
    pulls: valuesOf(sums.pulls, sumUnit),
    mass: valuesOf(sums.mass, sumUnit),
    wins: valuesOf(sums.wins, sumUnit),
    losses: valuesOf(sums.losses, sumUnit),
  };
}

import type { DdclModel } from '@ddcl/core/fit';
import type { Assigner } from '../level/assigner.ts';
import type { ResolvedPass } from '../spec/resolve.ts';

/** Shorter residuals are divided by this, not by their own length, as `normalizedResiduals` of core does. */
export const residualFloor = 1e-6;

/** What a group of items adds up to on its way to the level above. */
export interface GroupSums {
  /** Items added so far. */
  readonly items: number;
  /** `sum_n q_nk`, [K]. */
  readonly mass: Float64Array;
  clear(): void;
  /** Adds the item that the assigner assigned last. */
  add(): void;
  /** The group's numbers before projection; zeros where it has no items. */
  write(target: Float64Array): void;
}

export function createGroupSums(
  model: DdclModel,
  assigner: Assigner,
  { what, numbers, normalize }: ResolvedPass,
): GroupSums {
  const { count, width, q, item, prototypes } = assigner;
  const mass = new Float64Array(count);
  const withSums = what === 'residuals' || what === 'summaries';
  const sums = new Float64Array(withSums ? count * width : 0);
  const spread = Math.sqrt(model.totalVariance) / model.scale;
  let items = 0;

  /** Of the own items alone: prototypes that have none stay zeros. */
  const eachUsed = (visit: (k: number, start: number, own: number) => void): void => {
    for (let k = 0; k < count; k++) if (mass[k]! > 0) visit(k, k * width, mass[k]!);
  };
  const write: Record<ResolvedPass['what'], (target: Float64Array) => void> = {
    residuals(target) {
      const unit = normalize ? 1 / (spread * items) : model.scale;
      eachUsed((_, start, own) => {
        let squares = 0;
        for (let axis = 0; axis < width; axis++) {
          const value = (sums[start + axis]! - own * prototypes[start + axis]!) * unit;
          target[start + axis] = value;
          squares += value * value;
        }
        if (normalize) divide(target, start, width, Math.max(Math.sqrt(squares), residualFloor));
      });
      if (count === 1) return;
      if (normalize) scaleToLengthOne(target, count * width);
      const rest = count * width;
      let squares = 0;
      for (let axis = 0; axis < width; axis++) {
        let total = 0;
        for (let start = 0; start < rest; start += width) total += sums[start + axis]!;
        target[rest + axis] = total * unit;
        squares += (total * unit) ** 2;
      }
      if (normalize) divide(target, rest, width, Math.max(Math.sqrt(squares), residualFloor));
    },
    summaries(target) {
      eachUsed((_, start, own) => {
        for (let axis = 0; axis < width; axis++) target[start + axis] = (sums[start + axis]! / own) * model.scale;
      });
    },
    pooled(target) {
      eachUsed((_, start, own) => {
        for (let axis = 0; axis < width; axis++) target[axis]! += (own / items) * model.prototypes[start + axis]!;
      });
    },
    occupancy(target) {
      eachUsed((k, _, own) => (target[k] = own / items));
    },
  };

  return {
    get items() {
      return items;
    },
    mass,
    clear() {
      items = 0;
      mass.fill(0);
      sums.fill(0);
    },
    add() {
      items += 1;
      for (let k = 0; k < count; k++) {
        const own = q[k]!;
        if (own === 0) continue;
        mass[k]! += own;
        if (!withSums) continue;
        const start = k * width;
        for (let axis = 0; axis < width; axis++) sums[start + axis]! += own * item[axis]!;
      }
    },
    write(target) {
      target.fill(0, 0, numbers);
      if (items === 0) return;
      write[what](target);
      // VLAD is of length 1 before it is projected, and again after.
      if (normalize && what === 'residuals') scaleToLengthOne(target, numbers);
    },
  };
}

function divide(row: Float64Array, start: number, length: number, divisor: number): void {
  for (let index = start; index < start + length; index++) row[index]! /= divisor;
}

/** Zeros stay zeros. */
export function scaleToLengthOne(row: Float64Array, length: number): void {
  let squares = 0;
  for (let index = 0; index < length; index++) squares += row[index]! * row[index]!;
  if (squares === 0) return;
  const factor = 1 / Math.sqrt(squares);
  for (let index = 0; index < length; index++) row[index]! *= factor;
}

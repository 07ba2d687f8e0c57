import { DdclError } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';
import { prototypeAt, requireMasses, requirePrototype, withPrototypes, type Surgery } from './with-prototypes.ts';

/** Which prototypes stay: those named, or those that enough tokens use. */
export type PruneChoice =
  | { readonly keep: readonly number[] }
  | {
      /** Smallest share of all mass that a prototype must have to stay, 0 < minShare <= 1. */
      readonly minShare: number;
      /** Mass per prototype, [K], in any unit: for example `measureSource`'s shares. */
      readonly shares: ArrayLike<number>;
    };

/**
 * Removes prototypes; the others close ranks and keep their order. At least one stays: if all fall short of `minShare`, the
 * one with most mass (the lowest number at a tie).
 *
 * @throws DdclError `argument` for an empty `keep`, a number that is no prototype's, or `minShare` out of range; `shape` or
 *   `data` for shares that do not fit
 */
export function prunePrototypes(model: DdclModel, choice: PruneChoice): Surgery {
  const kept = 'keep' in choice ? named(model, choice.keep) : used(model, choice.minShare, choice.shares);
  const map = new Int32Array(model.count).fill(-1);
  kept.forEach((k, place) => (map[k] = place));
  return {
    model: withPrototypes(
      model,
      kept.map((k) => prototypeAt(model, k)),
    ),
    map,
  };
}

function named(model: DdclModel, keep: readonly number[]): number[] {
  if (keep.length === 0) throw new DdclError('argument', 'keep is empty, but at least one prototype must stay.');
  for (const k of keep) requirePrototype(model, k);
  return [...new Set(keep)].sort((a, b) => a - b);
}

function used(model: DdclModel, minShare: number, shares: ArrayLike<number>): number[] {
  if (!(minShare > 0 && minShare <= 1)) {
    throw new DdclError('argument', `minShare must be a share above 0 and up to 1, but is ${minShare}.`);
  }
  requireMasses(model, shares, 'shares');
  const masses = Array.from(shares);
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  const kept = masses.flatMap((mass, k) => (mass >= minShare * total ? [k] : []));
  return kept.length > 0 ? kept : [masses.indexOf(masses.reduce((a, b) => Math.max(a, b)))];
}

import { DdclError } from '@ddcl/core';
import { requireArgument, requireNumber } from '../checks/require.ts';
import { addParts } from '../exact/exact-sums.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import { createAssigner } from '../level/assigner.ts';
import { leastMass, withFramedPrototypes } from '../level/move-prototypes.ts';
import { modelHash, type HierarchyModel } from '../model/hierarchy-model.ts';
import { sumValues, type LevelSums } from '../sums/level-sums.ts';
import type { ShardSums } from './shard-sums.ts';

export interface MergeOptions {
  /** How far prototypes go, in 0..1: at 1, the default, each to the mean of its items, weighted by w. */
  readonly rate?: number;
}

/** Sums of shares, added up. */
export interface MergedSums {
  readonly documents: number;
  readonly levels: readonly LevelSums[];
}

/**
 * One full-batch step from the sums of all shares: `p_k - rate * dL_q/dp_k / (2 sum_n w_nk)` at every level. Projections and temperatures stay.
 *
 * @throws DdclError `data` for sums of another model, or the same share twice, saying which, or of no documents at all; `argument` for none, or a rate that is not in 0..1
 */
export function mergeShards(
  model: HierarchyModel,
  shards: readonly ShardSums[],
  { rate = 1 }: MergeOptions = {},
): HierarchyModel {
  requireNumber('rate', rate, (value) => value > 0 && value <= 1, 'a number > 0 and <= 1');
  const merged = addShards(model, shards);
  if (merged.documents === 0) {
    throw new DdclError(
      'data',
      'The shards hold no document with tokens, so there is nothing to go to. Give at least one that does.',
    );
  }
  return {
    ...model,
    documents: merged.documents,
    levels: model.levels.map((level, index) => stepLevel(level, merged.levels[index]!, rate)),
  };
}

/** The sums of shares of one corpus. @throws DdclError as {@link mergeShards} */
export function addShards(model: HierarchyModel, shards: readonly ShardSums[]): MergedSums {
  requireArgument('shards', shards, Array.isArray(shards) && shards.length > 0, 'a list of at least one');
  const parent = modelHash(model);
  const seen = new Map<string, number>();
  for (const [index, shard] of shards.entries()) {
    if (shard.parent !== parent) {
      throw new DdclError(
        'data',
        `Shard ${index + 1} was made with the model ${shard.parent}, but this is ${parent}. Make all shards with the model that they are merged into.`,
      );
    }
    const same = `${shard.content} ${shard.documents}`;
    if (seen.has(same) && shard.documents > 0) {
      throw new DdclError(
        'data',
        `Shards ${seen.get(same)! + 1} and ${index + 1} hold the same ${shard.documents} documents, which would count twice. Leave one out.`,
      );
    }
    seen.set(same, index);
  }
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  return {
    documents: total(shards.map(({ documents }) => documents)),
    levels: model.levels.map((_, level) => {
      const each = shards.map(({ levels }) => levels[level]!);
      return {
        items: total(each.map(({ items }) => items)),
        pulls: addParts(each.map(({ pulls }) => pulls)),
        mass: addParts(each.map(({ mass }) => mass)),
        wins: addParts(each.map(({ wins }) => wins)),
        losses: addParts(each.map(({ losses }) => losses)),
      };
    }),
  };
}

function stepLevel(level: FittedLevel, sums: LevelSums, rate: number): FittedLevel {
  const { count, width, prototypes } = createAssigner(level.model);
  const { pulls, mass, wins } = sumValues(sums);
  const least = leastMass(sums.items, count);
  const moved = prototypes.map((value, index) => {
    const own = mass[Math.floor(index / width)]!;
    return own > least ? value + rate * (pulls[index]! / own - value) : value;
  });
  return { ...level, model: withFramedPrototypes(level.model, moved), masses: wins };
}

import { DdclError } from '@ddcl/core';
import { requireArgument, requireNumber } from '../checks/require.ts';
import { addParts } from '../exact/exact-sums.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import { createAssigner } from '../level/assigner.ts';
import { leastMass, withFramedPrototypes } from '../level/move-prototypes.ts';
import { modelHash, type HierarchyModel } from '../model/hierarchy-model.ts';
import { sharedDocuments } from './document-keys.ts';
import { requireAllParts } from './parts.ts';
import { sumValues, type LevelSums } from '../sums/level-sums.ts';
import type { ShardSums } from './shard-sums.ts';

export interface MergeOptions {
  /** How far prototypes go, in 0..1: at 1, the default, each to the mean of its items, weighted by w. */
  readonly rate?: number;
  /** Let documents count twice that several shards hold, as where a corpus has many of them twice. Default false: these are refused. */
  readonly shared?: boolean;
  /** Told of few documents that two shards hold, and of fewer documents than the model has. */
  readonly onWarning?: (warning: string) => void;
}

/** Sums of shares, added up. */
export interface MergedSums {
  readonly documents: number;
  readonly levels: readonly LevelSums[];
}

/**
 * One full-batch step from the sums of all shares: `p_k - rate * dL_q/dp_k / (2 sum_n w_nk)` at every level. Projections and temperatures stay.
 *
 * @throws DdclError `data` for sums of another model, the same share twice or shares that overlap, parts that are missing or come twice, saying which, or of no documents at all; `argument` for none, or a rate that is not in 0..1
 */
export function mergeShards(
  model: HierarchyModel,
  shards: readonly ShardSums[],
  { rate = 1, shared = false, onWarning }: MergeOptions = {},
): HierarchyModel {
  requireNumber('rate', rate, (value) => value > 0 && value <= 1, 'a number > 0 and <= 1');
  const merged = addShards(model, shards);
  if (merged.documents === 0) {
    throw new DdclError(
      'data',
      'The shards hold no document with tokens, so there is nothing to go to. Give at least one that does.',
    );
  }
  requireApart(shards, shared, onWarning);
  if (shards[0]!.part === undefined && merged.documents < model.documents)
    onWarning?.(
      `The shards hold ${merged.documents} documents, the model is of ${model.documents}: if they are to be the same, a shard is missing. Sums of numbered parts tell which.`,
    );
  return {
    ...model,
    documents: merged.documents,
    levels: model.levels.map((level, index) => stepLevel(level, merged.levels[index]!, rate)),
  };
}

/** The sums of shares of one corpus. @throws DdclError as {@link mergeShards} */
function addShards(model: HierarchyModel, shards: readonly ShardSums[]): MergedSums {
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
    const isSized =
      shard.levels.length === model.levels.length &&
      shard.levels.every(({ pulls, mass, wins, losses }, level) => {
        const { count, dimension } = model.levels[level]!.model;
        const sizes = [count * dimension, count, count, 2];
        return [pulls, mass, wins, losses].every(
          ({ high, low }, part) => high.length === sizes[part] && low.length === sizes[part],
        );
      });
    if (!isSized)
      throw new DdclError('data', `Shard ${index + 1} has sums of other sizes than its model. Make it again.`);
    const same = `${shard.content} ${shard.documents}`;
    if (seen.has(same) && shard.documents > 0) {
      throw new DdclError(
        'data',
        `Shards ${seen.get(same)! + 1} and ${index + 1} hold the same ${shard.documents} documents, which would count twice. Leave one out.`,
      );
    }
    seen.set(same, index);
  }
  requireAllParts(shards.map(({ part }) => part));
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

/** @throws DdclError `data` for shards that hold so many of the same documents that they overlap */
function requireApart(
  shards: readonly ShardSums[],
  isAllowed: boolean,
  onWarning: ((warning: string) => void) | undefined,
): void {
  for (const { shards: pair, documents, isMany } of sharedDocuments(shards)) {
    const [one, two] = pair.map((index) => index + 1);
    const count = documents === 1 ? 'a document' : `${documents} documents`;
    const told = `Shards ${one} and ${two} (${pair.map((index) => shards[index]!.documents).join(' and ')} documents) have ${count} in common, which count${documents === 1 ? 's' : ''} twice.`;
    if (isMany && !isAllowed)
      throw new DdclError(
        'data',
        `${told} Divide the corpus into parts that have none, or allow it (shared) where it holds documents twice.`,
      );
    onWarning?.(told);
  }
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

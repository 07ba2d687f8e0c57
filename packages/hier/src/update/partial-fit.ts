import { requireArgument, requireNumber, requireWhole } from '../checks/require.ts';
import type { DocumentSource } from '../documents/document-source.ts';
import { readDocuments, requireSameTokens, type ReadDocument, type ReadOptions } from '../documents/read-documents.ts';
import { collectItems } from '../collect/collect-items.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import { leastMass, unusedMass, withFramedPrototypes } from '../level/move-prototypes.ts';
import { createAssigner } from '../level/assigner.ts';
import type { HierarchyModel } from '../model/hierarchy-model.ts';
import { sampleBytes } from '../sample/hash-sample.ts';
import { resolveSpec, type ResolvedLevel } from '../spec/resolve.ts';
import { createSumCollector, sumValues, type LevelSums } from '../sums/level-sums.ts';
import { driftOf, mergedTopics, splitTopics, type ChangeLog } from './change-log.ts';
import { giveBirth } from './give-birth.ts';

/** Items of the update that topics are born from, at most. */
const poolItems = 2048;
/** Tokens of a batch where no number of documents is given. */
const batchTokens = 1 << 15;

export interface PartialFitOptions extends ReadOptions {
  /** Give topics of their own to documents that no topic fits. Default true. */
  readonly births?: boolean;
  /**
   * Which prototypes move: those of the `last` level (the default), or of `all`. Where those below move, vectors of old documents do too, and some of
   * them change their topic.
   */
  readonly levels?: 'last' | 'all';
  /** Documents after which prototypes move. Default: as many as have 32,768 tokens. */
  readonly batch?: number;
  /** Share of what was seen before that is forgotten first, in 0..1: the larger, the faster prototypes follow; of each topic half a document stays, and with it the id. Default 0: all documents count alike. */
  readonly forget?: number;
}

/**
 * The hierarchy after more documents: prototypes are running means of all items that they ever had, and go on from there batch by batch; topics that are
 * missing are born first. Ids stay, projections and temperatures too. Costs two passes over the documents, of those that come alone.
 *
 * @throws DdclError as `encodeDocuments`; `argument` for options out of range
 */
export async function partialFit(
  model: HierarchyModel,
  source: DocumentSource,
  options: PartialFitOptions = {},
): Promise<{ readonly model: HierarchyModel; readonly changes: ChangeLog }> {
  const { births = true, batch, forget = 0, levels: which = 'last', ...reading } = options;
  requireArgument('levels', which, ['last', 'all'].includes(which), "'last' or 'all'");
  requireArgument('births', births, typeof births === 'boolean', 'true or false');
  if (batch !== undefined) requireWhole('batch', batch, 1);
  requireNumber('forget', forget, (share) => share >= 0 && share < 1, 'a share from 0 to below 1');
  requireSameTokens(model.spec, source);
  const resolved = resolveSpec(model.spec);
  const remembered = model.levels.map((level) => ({
    ...level,
    // An id that something used stays its own, however much is forgotten.
    masses: level.masses.map((mass) => (mass < unusedMass ? mass : Math.max(unusedMass, mass * (1 - forget)))),
  }));
  const before = model.levels.at(-1)!.model;
  const bytes = poolItems * sampleBytes(before.dimension, before.dtype);
  const pool = await collectItems(source, resolved, remembered.slice(0, -1), bytes, {
    signal: reading.signal,
    dtype: before.dtype,
  });
  const given = births
    ? giveBirth(remembered.at(-1)!, pool.rows, pool.items, model.spareGain)
    : { level: remembered.at(-1)!, born: [] };
  const started = [...remembered.slice(0, -1), given.level];
  const spec = {
    ...model.spec,
    levels: model.spec.levels.map((level, index) =>
      index === resolved.length - 1 ? { ...level, prototypes: given.level.model.count } : level,
    ),
  };
  const first = which === 'all' ? 0 : started.length - 1;
  const levels = await moveAlong(resolveSpec(spec), started, first, source, batch, reading);
  const after = levels.at(-1)!.model;
  const scale = pool.items / Math.max(1, pool.rows.length / before.dimension);
  return {
    model: { ...model, spec, levels, documents: model.documents + pool.documents },
    changes: {
      documents: pool.documents,
      empty: pool.empty,
      born: given.born,
      split: given.born.length === 0 ? [] : splitTopics(pool.rows, before, given.level.model, scale),
      merged: mergedTopics(before, after),
      drift: driftOf(before, after, new Set(given.born.map(({ id }) => id))),
    },
  };
}

/** Running means, batch by batch, of the levels from the first one to move on. */
async function moveAlong(
  resolved: readonly ResolvedLevel[],
  started: readonly FittedLevel[],
  first: number,
  source: DocumentSource,
  batch: number | undefined,
  reading: ReadOptions,
): Promise<readonly FittedLevel[]> {
  let levels = started;
  let collector = createSumCollector(resolved, levels);
  let [documents, tokens] = [0, 0];
  const isFull = (): boolean => (batch === undefined ? tokens >= batchTokens : documents >= batch);
  const move = (): void => {
    if (documents === 0) return;
    const sums = collector.levels;
    levels = levels.map((level, index) => (index < first ? level : runningMeans(level, sums[index]!)));
    collector = createSumCollector(resolved, levels);
    [documents, tokens] = [0, 0];
  };
  const take = (document: ReadDocument): void => {
    collector.add(document);
    documents += 1;
    tokens += document.length;
    if (isFull()) move();
  };
  for await (const block of readDocuments(source, reading)) {
    for (const document of block) if (document.length > 0) take(document);
  }
  move();
  return levels;
}

/** A prototype that the batch's items hardly pull at, or push away, stays: nothing else may hold one that nothing used. */
function runningMeans(level: FittedLevel, sums: LevelSums): FittedLevel {
  const { count, width, prototypes } = createAssigner(level.model);
  const { pulls, mass } = sumValues(sums);
  const least = leastMass(sums.items, count);
  const masses = level.masses.map((own, k) => (mass[k]! > least ? own + mass[k]! : own));
  const moved = prototypes.map((value, index) => {
    const k = Math.floor(index / width);
    return mass[k]! > least ? value + (pulls[index]! - mass[k]! * value) / masses[k]! : value;
  });
  return { ...level, model: withFramedPrototypes(level.model, moved), masses };
}

import { abortableBackend, type Backend } from '@ddcl/core/backend';
import { createRandom, DdclError } from '@ddcl/core';
import {
  fitPrototypes,
  kMeans,
  measureSource,
  measureStability,
  modelState,
  tokensFromArray,
  tokensFromReader,
  type FittedPrototypes,
  type MeasuredQuantities,
  type Stability,
} from '@ddcl/core/fit';
import type { DocumentSource } from '../documents/document-source.ts';
import { requireSameTokens } from '../documents/read-documents.ts';
import { encodeDocuments } from '../encode/encode-documents.ts';
import type { FittedLevel, Projection } from '../level/fitted-level.ts';
import type { HierarchyModel } from '../model/hierarchy-model.ts';
import { principalAxes } from '../project/principal-axes.ts';
import { resolveSpec, type ResolvedLevel } from '../spec/resolve.ts';
import type { HierarchySpec } from '../spec/spec.ts';
import { startDocuments } from './start-documents.ts';
import { extraTopic } from '../worth/extra-topic.ts';
import { collectItems, type CollectedItems } from '../collect/collect-items.ts';
import { fitJoint } from '../joint/fit-joint.ts';
import { measureMoved } from './measure-moved.ts';
import { resolveOptions, type FitHierarchyOptions, type LevelReport, type ResolvedOptions } from './options.ts';
import { levelQuantities } from '../quantities/level-quantities.ts';

/** Numbers of prototypes up to which all starts are annealed: 20 topics of 64 components. */
const fewNumbers = 4096;
/** Items that starts are compared on, at most, and items of a step from a start: all, up to this many. */
const [startItems, wholeBatch] = [1 << 14, 8192];

/** What a fit returns. */
export interface FitHierarchyResult {
  readonly model: HierarchyModel;
  /** One per level: on the items that it was fitted on, or with `joint` on those that it has after all moved. */
  readonly levels: readonly LevelReport[];
  /** Documents with tokens; tokens in them; documents without, which were left out. */
  readonly documents: number;
  readonly tokens: number;
  readonly empty: number;
}

/**
 * Fits a hierarchy level by level: a pass over the documents for the items of each level, and one for each projection; then `fit` of `@ddcl/core/fit`
 * over the items. The model is of the spec's encoder, or else the documents'. Memory is that of `memory` and the prototypes, whatever the number of documents.
 *
 * @throws DdclError `data` for a level with fewer items than prototypes, with the numbers, tokens that are not finite or another encoder; `argument`
 *   for a spec or options that cannot be; as `fit`
 */
export async function fitHierarchy(
  backend: Backend,
  spec: HierarchySpec,
  source: DocumentSource,
  options: FitHierarchyOptions = {},
): Promise<FitHierarchyResult> {
  resolveSpec(spec);
  requireSameTokens(spec, source);
  const encoder = spec.encoder ?? source.encoder;
  const whole: HierarchySpec = encoder === undefined ? spec : { ...spec, encoder };
  const resolved = resolveSpec(whole);
  const own = resolveOptions(options, resolved);
  const { dtype } = own;
  backend = abortableBackend(backend, own.signal);
  let levels: FittedLevel[] = [];
  const reports: LevelReport[] = [];
  let items!: CollectedItems;
  for (const level of resolved) {
    items = await collectItems(source, resolved, levels, own.memory, { ...reading(source, level.name, own), dtype });
    requireEnough(level, items);
    const restarts = level === resolved.at(-1) ? own.restarts : 1;
    const given = own.starts[level.name];
    const start =
      typeof given === 'function'
        ? await given(startDocuments(source, resolved, levels, reading(source, level.name, own)))
        : (given ?? (await bestStart(backend, items.rows, level.width, level.prototypes, own, restarts)));
    const fitted = await fitLevel(backend, level, items, own, start === undefined ? restarts : 1, start);
    reports.push(reportOf(level, items, fitted));
    const { model, quantities } = fitted;
    const masses = quantities.shares.map((share) => share * items.items);
    levels.push({ model, masses });
    if (level.up?.project !== undefined) {
      const projection = await project(backend, source, resolved, levels, own);
      levels[levels.length - 1] = { model, masses, projection };
    }
  }
  const { documents, tokens, empty } = items;
  const onEpochDone = (done: number, total: number): void =>
    own.onProgress?.({ phase: 'joint', level: resolved.at(-1)!.name, done, total });
  if (own.mode === 'joint') {
    levels = [...(await fitJoint(backend, resolved, levels, source, { ...own, onEpochDone }))];
    for (const [index, level] of resolved.entries()) {
      items = await collectItems(source, resolved, levels.slice(0, index), own.memory, {
        ...reading(source, level.name, own),
        dtype,
      });
      const moved = await measureMoved(backend, level, levels[index]!, items, own);
      [levels[index], reports[index]] = [moved.level, moved.report];
    }
  }
  const spareGain = extraTopic(items.rows, levels.at(-1)!.model)?.gain ?? 0;
  const model: HierarchyModel = { spec: whole, levels, documents, spareGain };
  if (own.onDocuments !== undefined) {
    const told = { ...reading(source, resolved.at(-1)!.name, own, 'encode') };
    for await (const codes of encodeDocuments(model, source, told)) own.onDocuments(codes);
  }
  return { model, levels: reports, documents, tokens, empty };
}

function reading(
  source: DocumentSource,
  level: string,
  { signal, onProgress }: ResolvedOptions,
  phase: 'read' | 'encode' = 'read',
) {
  return { signal, onProgress: (done: number) => onProgress?.({ phase, level, done, total: source.documents }) };
}

function requireEnough({ name, prototypes }: ResolvedLevel, { items, documents, empty }: CollectedItems): void {
  if (items >= prototypes) return;
  const without = empty === 0 ? '' : ` (${empty} more have no tokens)`;
  throw new DdclError(
    'data',
    `Level '${name}' has ${items} items of ${documents} documents${without}, but ${prototypes} prototypes. Ask for at most ${items}, or give more documents.`,
  );
}

async function fitLevel(
  backend: Backend,
  { name, prototypes, width, temperature, rate }: ResolvedLevel,
  { rows }: CollectedItems,
  options: ResolvedOptions,
  restarts: number,
  start: Float32Array | Float64Array | undefined,
): Promise<LevelFit> {
  const { epochs, seed, dtype, signal, onProgress, onEpoch, onWarning, certificate } = options;
  const source = tokensFromReader(tokensFromArray(rows, width));
  const result = await fitPrototypes(backend, source, {
    prototypes,
    temperature,
    restarts,
    seed,
    dtype,
    ...(start !== undefined && { start, anneal: false, relocate: false }),
    ...(start !== undefined && epochs === undefined && { steps: 1, batch: Math.min(wholeBatch, rows.length / width) }),
    ...(epochs !== undefined && { epochs, records: epochs }),
    ...(rate !== undefined && { learningRate: rate }),
    ...(signal !== undefined && { signal }),
    onProgress: ({ phase, done, total }) => {
      if (phase === 'fit') onProgress?.({ phase, level: name, done, total });
    },
    ...(onWarning !== undefined && { onWarning: (warning: string) => onWarning(`Level '${name}': ${warning}`) }),
  });
  const critical = result.statistics.criticalTemperature;
  const kept = result.history.filter(({ restart }) => restart === result.bestRestart);
  for (const record of kept) onEpoch?.(levelQuantities(name, false, critical, record));
  const { model, statistics } = result;
  const { totalVariance, tokens } = statistics;
  const state = modelState(model);
  const quantities = await measureSource(backend, source, state, { tokens, totalVariance, signal });
  if (!certificate) return { ...result, quantities };
  const random = createRandom(seed).fork('stability');
  return {
    ...result,
    quantities,
    stability: await measureStability(backend, source, statistics, state, { random, signal }),
  };
}

/**
 * The best of several k-means, where an annealed fit would take as long as dozens of these.
 *
 * @returns `undefined` where fits anneal: a single one, or where they cost next to nothing and end lower
 */
async function bestStart(
  backend: Backend,
  rows: Float32Array | Float64Array,
  width: number,
  count: number,
  { seed, dtype, signal }: ResolvedOptions,
  restarts: number,
): Promise<Float64Array | undefined> {
  if (restarts === 1 || count * width <= fewNumbers) return undefined;
  // Rows are in the order of a hash, so the first ones are a sample.
  const source = tokensFromReader(tokensFromArray(rows.subarray(0, startItems * width), width));
  const { model } = await kMeans(backend, source, { count, restarts, start: 'tokens', seed, dtype, signal });
  return model.prototypes;
}

/** A level's prototypes, and what was measured of them. */
interface LevelFit extends FittedPrototypes {
  readonly quantities: MeasuredQuantities;
  readonly stability?: Stability;
}

function reportOf(
  { name, width }: ResolvedLevel,
  { rows, items }: CollectedItems,
  { model, quantities, stability, history }: LevelFit,
): LevelReport {
  const { temperature, criticalTemperature } = model;
  const epoch = history.at(-1)!.epoch;
  return {
    ...levelQuantities(name, false, criticalTemperature, { ...quantities, epoch, temperature }),
    items,
    fitted: rows.length / width,
    ...(stability !== undefined && { stability }),
  };
}

async function project(
  backend: Backend,
  source: DocumentSource,
  resolved: readonly ResolvedLevel[],
  levels: readonly FittedLevel[],
  options: ResolvedOptions,
): Promise<Projection> {
  const { name, up } = resolved[levels.length - 1]!;
  const { rows } = await collectItems(source, resolved, levels, options.memory, {
    ...reading(source, name, options),
    dtype: options.dtype,
    isRaw: true,
  });
  return principalAxes(backend, rows, up!.numbers, up!.project!, options.seed);
}

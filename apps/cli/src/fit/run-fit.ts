import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  defaultBatch,
  defaultLearningRate,
  fit,
  fitIdentity,
  modelToBytes,
  tokensFromArray,
  tokensFromReader,
  type FitIdentity,
  type FitOptions,
  type FitResult,
  type TokenReader,
} from '@ddcl/core/fit';
import type { ContingencyTable } from '@ddcl/core/metrics';
import type { ChosenBackend } from '../backends/choose-backend.ts';
import type { RowLabels } from '../data/row-labels.ts';
import { readCheckpoint, requireSameFit } from '../model-folder/checkpoint-file.ts';
import { configFormatVersion, modelFiles, readConfig, type ModelConfig } from '../model-folder/model-folder.ts';
import { makeMeasures, warningsOf, type FitMeasures } from '../measures/measures.ts';
import { phaseClock, type PhaseSeconds } from './phase-clock.ts';
import type { Progress } from '../output/progress.ts';
import { showFit } from './show-fit.ts';
import { version } from '../output/version.ts';
import { writeWhole } from '../output/write-file.ts';
import type { Preprocessing } from '../preprocess/preprocessing.ts';
import type { FitReport } from '../report/fit-report.ts';
import { formatNumber } from '../report/format-number.ts';
import { projectTokens } from '../report/project-tokens.ts';
import { readCodes } from '../measures/codes.ts';
import { classCounter, classRows, scoreLabels } from '../measures/label-scores.ts';

/** Seconds between two checkpoints. */
const checkpointSeconds = 2;

/** Tokens drawn in the report's scatter plots. */
const projectedTokens = 2000;

/** A fit from tokens that are open already to files in a folder. */
export interface FitRun {
  readonly backend: ChosenBackend;
  readonly reader: TokenReader;
  readonly labels: RowLabels | undefined;
  readonly preprocessing: Preprocessing;
  readonly data: ModelConfig['data'];
  /** For a fit on text or token shards. */
  readonly text?: ModelConfig['text'];
  readonly options: Omit<FitOptions, 'onProgress' | 'onCheckpoint' | 'resume' | 'signal'>;
  readonly out: string;
  readonly resume: boolean;
  readonly title: string;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Since the command began. */
  readonly seconds: () => number;
}

export interface FitRunResult {
  readonly measures: FitMeasures;
  readonly warnings: readonly string[];
  readonly perClass: FitReport['perClass'];
  /** Where the time went. */
  readonly phases: PhaseSeconds;
}

/**
 * Fits, keeping a checkpoint in the folder meanwhile, then writes `model.safetensors`, `config.json`, `history.jsonl` and
 * `report.html`, and removes the checkpoint.
 */
export async function runFit(run: FitRun): Promise<FitRunResult> {
  const { out, progress } = run;
  const { backend } = run.backend;
  const source = tokensFromReader(run.reader);
  const options: FitOptions = { ...run.options, identity: dataIdentity(run) };
  const identity = fitIdentity(options);
  const checkpoint = run.resume ? await readCheckpoint(out, identity, run.backend) : undefined;
  const finished = run.resume ? await readConfig(out) : undefined;
  if (finished !== undefined) requireSameFit(`The model in ${out}`, finished.identity ?? {}, identity, run.backend);
  const clock = phaseClock();
  const show = showFit(progress);
  const classes = run.labels && classCounter(run.labels);
  let written = -Infinity;
  const result = await fit(backend, source, {
    ...options,
    signal: run.signal,
    onProgress: (state) => {
      clock.tick(state.phase);
      show.onProgress(state);
    },
    onRecord: show.onRecord,
    ...(classes === undefined ? {} : { onCodes: (codes: Int32Array) => classes.add(codes) }),
    onCheckpoint: async (make) => {
      if (performance.now() - written < checkpointSeconds * 1000 && !run.signal.aborted) return;
      await writeWhole(join(out, modelFiles.checkpoint), await make());
      written = performance.now();
    },
    ...(checkpoint === undefined ? {} : { resume: checkpoint }),
  });
  return { ...(await writeResults(run, identity, result, classes?.table())), phases: clock.seconds() };
}

async function writeResults(
  run: FitRun,
  identity: FitIdentity,
  result: FitResult,
  classes: ContingencyTable | undefined,
): Promise<Omit<FitRunResult, 'phases'>> {
  const { out } = run;
  const { model, quantities, stability, statistics } = result;
  const labels = classes && scoreLabels(classes);
  const measures = makeMeasures(
    run.backend.backend,
    statistics.tokens,
    model,
    quantities,
    stability,
    labels,
    run.seconds(),
  );
  const warnings = warningsOf(measures);
  if (!stability.converged) warnings.push('The Hessian eigenvalues have not converged; they are lower bounds in size.');
  const perClass = classes && classRows(classes);
  const config = makeConfig(run, identity, result, measures);
  // The plotting library takes half a second to load; nothing else needs it.
  const { renderReport } = await import('../report/render-report.ts');
  const report = renderReport({
    title: run.title,
    measures,
    history: result.history.filter(({ restart }) => restart === result.bestRestart),
    projection: await project(run, result),
    perClass,
    settings: Object.fromEntries(
      Object.entries(config.fit)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => [name, typeof value === 'number' ? formatNumber(value) : String(value)]),
    ),
    warnings,
    command: run.command,
    versions: config.versions,
  });
  // The model comes last but one: a folder with a model is whole.
  await writeWhole(
    join(out, modelFiles.history),
    result.history.map((record) => `${JSON.stringify(record)}\n`).join(''),
  );
  await writeWhole(join(out, modelFiles.report), report);
  await writeWhole(join(out, modelFiles.config), `${JSON.stringify(config, null, 2)}\n`);
  await writeWhole(join(out, modelFiles.model), modelToBytes(model));
  await rm(join(out, modelFiles.checkpoint), { force: true });
  return { measures, warnings, perClass };
}

async function project(
  { backend: { backend }, labels, signal }: FitRun,
  { statistics, model }: FitResult,
): Promise<FitReport['projection']> {
  const { rows, indices, count } = statistics.sample;
  const dimension = model.dimension;
  const most = Math.min(projectedTokens, count);
  const picked = Array.from({ length: most }, (_, index) => Math.floor((index * count) / most));
  const tokens = new Float64Array(most * dimension);
  picked.forEach((row, index) => tokens.set(rows.subarray(row * dimension, (row + 1) * dimension), index * dimension));
  return projectTokens({
    tokens,
    dimension,
    prototypes: model.prototypes,
    assignments: await readCodes(backend, model, tokensFromReader(tokensFromArray(tokens, dimension)), signal),
    labels: labels && picked.map((row) => labels.at(indices[row]!)!),
  });
}

/** Options of the fit with their defaults. */
function fitSettings({ options, backend }: FitRun): ModelConfig['fit'] {
  const { temperature = 'auto' } = options;
  return {
    prototypes: options.prototypes,
    temperature: typeof temperature === 'object' ? `${temperature.ofCritical}tc` : temperature,
    anneal: options.anneal ?? true,
    epochs: options.epochs ?? null,
    batch: options.batch ?? defaultBatch,
    'learning rate': options.learningRate ?? defaultLearningRate,
    restarts: options.restarts ?? 1,
    dtype: options.dtype ?? 'float32',
    seed: options.seed ?? 0,
    backend: backend.backend.name,
  };
}

/** What decides the bytes of a model beside the options of the fit. */
function dataIdentity({ backend, data, text, preprocessing }: FitRun): FitIdentity {
  return {
    backend: backend.backend.name,
    columns: data.columns?.join(',') ?? 'none',
    tensor: data.tensor ?? 'none',
    ...(text === undefined
      ? {}
      : {
          encoder: text.encoder.hash,
          'max tokens': String(text.encoder.maxTokens),
          'drop special': String(text.encoder.dropSpecial),
          documents: text.documents,
        }),
    standardize: String(preprocessing.standardize !== null),
    normalize: String(preprocessing.normalize),
    'number of tokens': String(data.tokens),
    'data (numbers, their order or labels)': data.fingerprint,
    'ddcl version': version,
  };
}

function makeConfig(
  run: FitRun,
  identity: FitIdentity,
  { model, history, bestRestart }: FitResult,
  measures: FitMeasures,
): ModelConfig {
  const { seconds: _seconds, ...figures } = measures;
  return {
    format: 'ddcl.config',
    formatVersion: configFormatVersion,
    command: run.command,
    data: run.data,
    ...(run.text === undefined ? {} : { text: run.text }),
    preprocessing: run.preprocessing,
    fit: {
      ...fitSettings(run),
      'final temperature': model.temperature,
      steps: history.filter(({ restart }) => restart === bestRestart).at(-1)?.step ?? 0,
      'best restart': bestRestart,
    },
    identity,
    measures: { ...figures },
    versions: { ddcl: version, node: process.version },
  };
}

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  defaultLearningRate,
  fit,
  modelToBytes,
  tokensFromReader,
  type FitOptions,
  type FitResult,
  type FloatDType,
  type TokenReader,
} from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { configFormatVersion, modelFiles, type ModelConfig } from '../model-folder/model-folder.ts';
import { makeMeasures, warningsOf } from '../output/measures.ts';
import { showFit, type Progress } from '../output/progress.ts';
import { version } from '../output/version.ts';
import { writeWhole } from '../output/write-file.ts';
import type { Preprocessing } from '../preprocess/preprocessing.ts';
import type { FitMeasures, FitReport } from '../report/fit-report.ts';
import { formatNumber } from '../report/format-number.ts';
import { projectTokens } from '../report/project-tokens.ts';
import { readCodes } from './codes.ts';
import { classRows, scoreLabels } from './label-scores.ts';

/** Seconds between two checkpoints. */
const checkpointSeconds = 2;

/** Tokens drawn in the report's scatter plots. */
const projectedTokens = 2000;

/** A fit from tokens that are open already to files in a folder. */
export interface FitRun {
  readonly backend: Backend;
  readonly reader: TokenReader;
  readonly labels: readonly string[] | undefined;
  readonly preprocessing: Preprocessing;
  readonly data: ModelConfig['data'];
  readonly options: Omit<FitOptions, 'onProgress' | 'onCheckpoint' | 'resume' | 'signal'>;
  readonly out: string;
  readonly resume: boolean;
  readonly title: string;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** When the command began, from `performance.now()`. */
  readonly began: number;
}

export interface FitRunResult {
  readonly measures: FitMeasures;
  readonly warnings: readonly string[];
  readonly perClass: FitReport['perClass'];
}

/** Bytes of the checkpoint in a folder, if there is one. */
async function readCheckpoint(folder: string): Promise<Uint8Array | undefined> {
  return readFile(join(folder, modelFiles.checkpoint)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/**
 * Fits, keeping a checkpoint in the folder meanwhile, then writes `model.safetensors`, `config.json`, `history.jsonl` and
 * `report.html`, and removes the checkpoint.
 */
export async function runFit(run: FitRun): Promise<FitRunResult> {
  const { backend, out, progress } = run;
  const source = tokensFromReader(run.reader);
  const checkpoint = run.resume ? await readCheckpoint(out) : undefined;
  let written = performance.now();
  let result: FitResult;
  try {
    result = await fit(backend, source, {
      ...run.options,
      signal: run.signal,
      onProgress: showFit(progress),
      onCheckpoint: async (make) => {
        // The first checkpoint comes soon, so that an early interruption loses little.
        if (performance.now() - written < checkpointSeconds * 1000 && !run.signal.aborted) return;
        await writeWhole(join(out, modelFiles.checkpoint), await make());
        written = performance.now();
      },
      ...(checkpoint === undefined ? {} : { resume: checkpoint }),
    });
    progress.show('labels', 0, 1);
    const codes = await readCodes(backend, result.model, source);
    return await writeResults(run, result, codes);
  } finally {
    progress.stop();
  }
}

async function writeResults(run: FitRun, result: FitResult, codes: Int32Array): Promise<FitRunResult> {
  const { labels, out } = run;
  const { model, quantities, stability, statistics } = result;
  const measures = makeMeasures({
    backend: run.backend.name,
    tokens: statistics.tokens,
    dimension: model.dimension,
    prototypes: model.count,
    temperature: model.temperature,
    criticalTemperature: model.criticalTemperature,
    quantities,
    stability,
    labels: scoreLabels(codes, labels),
    seconds: (performance.now() - run.began) / 1000,
  });
  const warnings = warningsOf(measures);
  if (!stability.converged) warnings.push('The Hessian eigenvalues have not converged; they are lower bounds in size.');
  const perClass = labels === undefined ? undefined : classRows(codes, labels);
  const config = makeConfig(run, result, measures);
  // The plotting library takes half a second to load; nothing else needs it.
  const { renderReport } = await import('../report/render-report.ts');
  const report = renderReport({
    title: run.title,
    measures,
    history: result.history.filter(({ restart }) => restart === result.bestRestart),
    projection: project(result, codes, labels),
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
  await writeWhole(join(out, modelFiles.history), result.history.map((record) => `${JSON.stringify(record)}\n`).join(''));
  await writeWhole(join(out, modelFiles.report), report);
  await writeWhole(join(out, modelFiles.config), `${JSON.stringify(config, null, 2)}\n`);
  await writeWhole(join(out, modelFiles.model), modelToBytes(model));
  await rm(join(out, modelFiles.checkpoint), { force: true });
  return { measures, warnings, perClass };
}

function project({ statistics, model }: FitResult, codes: Int32Array, labels: readonly string[] | undefined): FitReport['projection'] {
  const { rows, indices, count } = statistics.sample;
  const dimension = model.dimension;
  const most = Math.min(projectedTokens, count);
  const picked = Array.from({ length: most }, (_, index) => Math.floor((index * count) / most));
  const tokens = new Float64Array(most * dimension);
  picked.forEach((row, index) => tokens.set(rows.subarray(row * dimension, (row + 1) * dimension), index * dimension));
  const places = picked.map((row) => indices[row]!);
  return projectTokens({
    tokens,
    dimension,
    prototypes: model.prototypes,
    assignments: Int32Array.from(places, (place) => codes[place]!),
    labels: labels && places.map((place) => labels[place]!),
  });
}

function makeConfig(run: FitRun, { model, history, bestRestart }: FitResult, measures: FitMeasures): ModelConfig {
  const { options } = run;
  const { seconds: _seconds, ...figures } = measures;
  return {
    format: 'ddcl.config',
    formatVersion: configFormatVersion,
    data: run.data,
    preprocessing: run.preprocessing,
    fit: {
      prototypes: options.prototypes,
      temperature: options.temperature ?? 'auto',
      'final temperature': model.temperature,
      anneal: options.anneal ?? true,
      steps: history.filter(({ restart }) => restart === bestRestart).at(-1)?.step ?? 0,
      epochs: options.epochs ?? null,
      batch: options.batch ?? null,
      'learning rate': options.learningRate ?? defaultLearningRate,
      restarts: options.restarts ?? 1,
      'best restart': bestRestart,
      dtype: (options.dtype ?? 'float32') as FloatDType,
      seed: options.seed ?? 0,
      backend: run.backend.name,
    },
    measures: { ...figures },
    versions: { ddcl: version, node: process.version },
  };
}

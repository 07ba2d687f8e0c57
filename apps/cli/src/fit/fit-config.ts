import { massPreconditioned } from '@ddcl/core';
import { defaultBatch, defaultLearningRate, type FitIdentity, type FitResult } from '@ddcl/core/fit';
import { configFormatVersion, type ModelConfig } from '../model-folder/model-folder.ts';
import type { FitMeasures } from '../measures/measures.ts';
import { version } from '../output/version.ts';
import type { FitRun } from './fit-run.ts';

/** Options of the fit with their defaults. */
function fitSettings({ options, backend, data }: FitRun): ModelConfig['fit'] {
  const { temperature = 'auto' } = options;
  return {
    prototypes: options.prototypes,
    temperature: typeof temperature === 'object' ? `${temperature.ofCritical}tc` : temperature,
    anneal: options.anneal ?? true,
    epochs: options.epochs ?? null,
    batch: options.batch ?? defaultBatch(options.prototypes, (options.epochs ?? 0) * data.tokens),
    'learning rate': options.learningRate ?? defaultLearningRate(options.optimizer ?? massPreconditioned()),
    restarts: options.restarts ?? 1,
    dtype: options.dtype ?? 'float32',
    seed: options.seed ?? 0,
    backend: backend.backend.name,
  };
}

/** What decides the bytes of a model beside the options of the fit. */
export function dataIdentity({ backend, data, text, preprocessing }: FitRun): FitIdentity {
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

/** `config.json` of a finished fit. */
export function makeConfig(
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

import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DdclError } from '@ddcl/core';
import { modelFromBytes, type DdclModel, type FitIdentity } from '@ddcl/core/fit';
import * as v from 'valibot';
import { checked, finite, problemWith, whole } from '../data/checked.ts';
import { withFileName } from '../data/data-error.ts';
import { encoderRecordSchema, type EncoderRecord } from '../encoder/encoder-record.ts';
import { usageError } from '../output/usage-error.ts';
import { entryAt, isFile } from '../output/entry-at.ts';
import { readIfThere } from '../output/write-file.ts';
import type { Preprocessing } from '../preprocess/preprocessing.ts';

/** Version of `config.json`. A reader refuses others. */
export const configFormatVersion = 1;

/** Names of the files in a model folder. */
export const modelFiles = {
  model: 'model.safetensors',
  config: 'config.json',
  history: 'history.jsonl',
  report: 'report.html',
  checkpoint: 'checkpoint.safetensors',
  /** In the place of `model`: folders of `ddcl vq`. */
  quantizer: 'quantizer.safetensors',
  autoencoder: 'autoencoder.safetensors',
  hierarchy: 'hierarchy.safetensors',
} as const;

/** What a fit takes from each document: all its tokens, or their mean as one. */
export type DocumentMode = 'tokens' | 'mean';

export const documentModes: readonly DocumentMode[] = ['tokens', 'mean'];

/** `config.json`: what is needed to apply the model again, and how it was made. */
export interface ModelConfig {
  readonly format: 'ddcl.config';
  readonly formatVersion: number;
  /** The command line that made the model. */
  readonly command: string;
  readonly data: {
    /** Names of the columns that make a token, where the data have names. */
    readonly columns: readonly string[] | null;
    /** Which tensor of a safetensors file, where one was named. */
    readonly tensor: string | null;
    readonly tokens: number;
    /** Identifies the numbers that the model was fitted on. */
    readonly fingerprint: string;
  };
  /** Only for a fit on text or token shards: by what texts became tokens. */
  readonly text?: { readonly encoder: EncoderRecord; readonly documents: DocumentMode };
  readonly preprocessing: Preprocessing;
  /** Options of the fit as they were used. */
  readonly fit: Readonly<Record<string, string | number | boolean | null>>;
  /** What `--resume` compares: all that decides the bytes of the model. Configs of earlier builds lack it. */
  readonly identity?: FitIdentity;
  /** The figures of the last pass, as `fit --json` prints them. */
  readonly measures: Readonly<Record<string, unknown>>;
  readonly versions: Readonly<Record<string, string>>;
}

export interface LoadedModel {
  readonly model: DdclModel;
  readonly config: ModelConfig;
}

/** What data are opened for: a model, or a quantizer. */
export interface AppliedModel {
  readonly model: { readonly dimension: number };
  readonly config: Pick<ModelConfig, 'data' | 'text' | 'preprocessing'>;
}

const givesFolder = "Give the folder that 'ddcl fit --out' wrote.";

/** @throws DdclError `argument` unless there is a folder */
export async function requireFolder(folder: string, remedy: string): Promise<void> {
  const entry = await entryAt(folder);
  if (entry === undefined) throw usageError(`There is no model folder ${folder}. ${remedy}`);
  if (!entry.isDirectory()) throw usageError(`${folder} is a file, not a model folder. ${remedy}`);
}

/** @throws DdclError `argument` or `format` if the folder is missing or does not hold a model of this version */
export async function loadModel(folder: string): Promise<LoadedModel> {
  await requireFolder(folder, givesFolder);
  const path = join(folder, modelFiles.model);
  const bytes = await readIfThere(path, givesFolder);
  if (bytes === undefined) {
    if (await isFile(join(folder, modelFiles.quantizer))) {
      throw usageError(
        `The folder ${folder} holds a quantizer, not prototypes: 'ddcl vq', 'ddcl encode' and 'ddcl inspect' take it. ${givesFolder}`,
      );
    }
    const interrupted = (await readIfThere(join(folder, modelFiles.checkpoint), givesFolder)) !== undefined;
    const remedy = interrupted ? 'Its fit was interrupted: run the same fit again with --resume.' : givesFolder;
    throw usageError(`The folder ${folder} has no ${modelFiles.model}. ${remedy}`);
  }
  // Data are preprocessed by config.json, which has it too, as they are read.
  const whole = withFileName(path, 'Fit the model again.', () => modelFromBytes(bytes));
  const model = { ...whole, preprocessing: undefined };
  const config = await readConfig(folder);
  if (config === undefined) {
    throw usageError(
      `The model folder ${folder} has no ${modelFiles.config}. Copy the whole folder, or fit the model again.`,
    );
  }
  const columns = config.preprocessing.standardize?.mean.length ?? model.dimension;
  if (columns !== model.dimension) {
    throw new DdclError(
      'format',
      `${folder}: the model has dimension ${model.dimension}, but ${modelFiles.config} standardizes ${columns} columns. Fit the model again.`,
    );
  }
  requireSamePreprocessing(folder, whole.preprocessing, config.preprocessing);
  return { model, config };
}

/** @throws DdclError `format` if the two files of a folder do not say the same of what is done to tokens */
function requireSamePreprocessing(folder: string, own: Preprocessing | undefined, said: Preprocessing): void {
  const plain = { standardize: null, normalize: false };
  const [one, other] = [own ?? plain, said].map(({ standardize, normalize }) => ({
    standardize: standardize === null ? null : [[...standardize.mean], [...standardize.deviation]],
    normalize,
  }));
  if (isDeepStrictEqual(one, other)) return;
  throw new DdclError(
    'format',
    `${folder}: ${modelFiles.model} and ${modelFiles.config} do not say the same of what is done to tokens before the model sees them. Copy the whole folder of one fit, or fit the model again.`,
  );
}

/**
 * `config.json` of a model folder, or undefined where there is none.
 *
 * @throws DdclError `format` if it is not one of this version
 */
export async function readConfig(folder: string): Promise<ModelConfig | undefined> {
  const path = join(folder, modelFiles.config);
  const bytes = await readIfThere(path, givesFolder);
  if (bytes === undefined) return undefined;
  let config: unknown;
  try {
    config = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new DdclError('format', `${path} is not JSON. Fit the model again.`, { cause });
  }
  const version = problemWith(versionSchema, config);
  if (version !== undefined) {
    throw new DdclError(
      'format',
      `${path} is not a ddcl config of format version ${configFormatVersion} (${version}). Use the ddcl version that made it, or fit again.`,
    );
  }
  return checked(configSchema, config, path, 'Fit the model again.');
}

/** Levels of lists and objects that measures may have; those that are written have three. */
const mostLevels = 16;

/** Whether those who walk over a value come to its end. */
function isFlat(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > mostLevels) return false;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return true;
}

const versionSchema = v.object({
  format: v.literal('ddcl.config'),
  formatVersion: v.literal(configFormatVersion),
});

const standardization = v.pipe(
  v.object({ mean: v.array(finite), deviation: v.array(v.pipe(finite, v.gtValue(0))) }),
  v.check(({ mean, deviation }) => mean.length === deviation.length, 'mean and deviation are of different lengths'),
);

/** What every command takes of a `config.json` without looking again. */
const configSchema: v.GenericSchema<unknown, ModelConfig> = v.object({
  ...versionSchema.entries,
  command: v.string(),
  data: v.object({
    columns: v.nullable(v.array(v.string())),
    tensor: v.nullable(v.string()),
    tokens: whole(),
    fingerprint: v.string(),
  }),
  text: v.exactOptional(v.object({ encoder: encoderRecordSchema, documents: v.picklist(documentModes) })),
  preprocessing: v.object({ standardize: v.nullable(standardization), normalize: v.boolean() }),
  fit: v.record(v.string(), v.union([v.string(), finite, v.boolean(), v.null()])),
  identity: v.exactOptional(v.record(v.string(), v.string())),
  measures: v.pipe(
    v.record(v.string(), v.unknown()),
    v.check((value) => isFlat(value), 'nested too deep'),
  ),
  versions: v.record(v.string(), v.string()),
});

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DdclError, modelFromBytes, type DdclModel } from '@ddcl/core';
import { reasonOf } from '../output/write-file.ts';
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
} as const;

/** `config.json`: what is needed to apply the model again, and how it was made. */
export interface ModelConfig {
  readonly format: 'ddcl.config';
  readonly formatVersion: number;
  readonly data: {
    /** Names of the columns that make a token, where the data have names. */
    readonly columns: readonly string[] | null;
    /** Which tensor of a safetensors file, where one was named. */
    readonly tensor: string | null;
    readonly tokens: number;
    /** Identifies the numbers that the model was fitted on. */
    readonly fingerprint: string;
  };
  readonly preprocessing: Preprocessing;
  /** Options of the fit as they were used. */
  readonly fit: Readonly<Record<string, string | number | boolean | null>>;
  /** The figures of the last pass, as `fit --json` prints them. */
  readonly measures: Readonly<Record<string, unknown>>;
  readonly versions: Readonly<Record<string, string>>;
}

export interface LoadedModel {
  readonly model: DdclModel;
  readonly config: ModelConfig;
}

/** @throws DdclError `argument` or `format` if the folder is missing or does not hold a model of this version */
export async function loadModel(folder: string): Promise<LoadedModel> {
  const isFolder = await stat(folder).then((entry) => entry.isDirectory(), () => false);
  if (!isFolder) {
    throw new DdclError('argument', `${folder} is no model folder. Give the folder that 'ddcl fit --out' wrote.`);
  }
  const model = modelFromBytes(await read(join(folder, modelFiles.model)));
  const config = parseConfig(join(folder, modelFiles.config), (await read(join(folder, modelFiles.config))).toString('utf8'));
  return { model, config };
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new DdclError('argument', `The model folder lacks a readable ${path} (${reasonOf(cause)}). Give the folder that 'ddcl fit --out' wrote.`, { cause });
  }
}

function parseConfig(path: string, text: string): ModelConfig {
  let config: Partial<ModelConfig>;
  try {
    config = JSON.parse(text) as Partial<ModelConfig>;
  } catch (cause) {
    throw new DdclError('format', `${path} is not JSON. Fit the model again.`, { cause });
  }
  const { format, formatVersion, preprocessing, data } = config;
  if (format !== 'ddcl.config' || formatVersion !== configFormatVersion) {
    throw new DdclError('format', `${path} is not a ddcl config of format version ${configFormatVersion}, but ${format} ${formatVersion}. Use the ddcl version that made it, or fit again.`);
  }
  if (typeof preprocessing !== 'object' || typeof data !== 'object') {
    throw new DdclError('format', `${path} lacks preprocessing or data. Fit the model again.`);
  }
  return config as ModelConfig;
}

import { DdclError, isDdclError, type FloatDType } from '@ddcl/core';
import type { TokenReader } from '@ddcl/core/fit';
import { openData, type OpenedData } from '../data/open-data.ts';
import { refuseEncoderOptions, requireEncoder, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { requireSameEncoder } from '../encoder/encoder-record.ts';
import type { AppliedModel, DocumentMode } from '../model-folder/model-folder.ts';
import { isFolder } from '../output/entry-at.ts';
import type { Own } from '../output/own.ts';
import type { Progress } from '../output/progress.ts';
import { columnStatistics, preprocess, type Preprocessing } from '../preprocess/preprocessing.ts';
import type { TextCommandOptions } from '../text/text-options.ts';
import { findTokenShards, openTokenShards } from '../token-shards/open-token-shards.ts';
import { openDocuments, openTextDocuments, type OpenedDocuments } from './open-documents.ts';
import type { DataCommandOptions } from '../data/data-options.ts';
import { usageError } from '../output/usage-error.ts';

/** Data that are open, preprocessed, and checked against labels. Whoever owns them closes them. */
export interface OpenTokens {
  /** With `documents` where the tokens are those of texts. */
  readonly opened: OpenedData | OpenedDocuments;
  readonly reader: TokenReader;
  readonly preprocessing: Preprocessing;
}

export interface OpenTokensOptions extends DataCommandOptions, EncoderCommandOptions, TextCommandOptions {
  /** Whose help says more. */
  readonly command: 'fit' | 'measure' | 'encode' | 'vq fit' | 'vq encode' | 'vq compare';
  readonly documents?: DocumentMode;
  /** What computes with the tokens. Default `float32`. */
  readonly dtype?: FloatDType;
  readonly standardize?: boolean;
  readonly normalize?: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly own: Own;
}

/** The texts behind tokens, or undefined where they are numbers of another kind. */
export function textOf(opened: OpenTokens['opened']): OpenedDocuments['documents'] | undefined {
  return 'documents' in opened ? opened.documents : undefined;
}

async function openFiles(
  files: readonly string[],
  { columns, tensor, labels, dtype = 'float32', standardize = false, signal, progress, own }: OpenTokensOptions,
): Promise<OpenedData> {
  const other = tensor === undefined ? undefined : files.find((file) => !/\.safetensors$/i.test(file));
  if (other !== undefined)
    throw usageError(`--tensor chooses a tensor of a .safetensors file, but ${other} is none. Leave it out.`);
  try {
    const opened = await openData(files, {
      ...(columns === undefined ? {} : { columns }),
      ...(tensor === undefined ? {} : { tensor }),
      ...(labels === undefined ? {} : { labels }),
      // Doubles, whatever the fit's precision: the offset is taken off before anything is rounded to float32.
      dtype: 'float64',
      range: standardize ? 'float64' : dtype,
      signal,
      onProgress: (done, total) => progress.show({ phase: 'opening', done, total, unit: 'bytes' }),
    });
    return own(opened, ({ close }) => close());
  } finally {
    progress.stop();
  }
}

/** @throws DdclError `argument` unless there is either text or files, with options that go with it */
function checkChoice(files: readonly string[], options: OpenTokensOptions): void {
  if (options.text !== undefined && files.length > 0)
    throw usageError(`Give either data files, such as ${files[0]}, or text with --text, not both.`);
  if (options.text === undefined && files.length === 0) {
    throw usageError(
      `The argument 'data' is missing. Give data files, a folder of token shards, or text with --text. See 'ddcl ${options.command} --help'.`,
    );
  }
  if (options.text === undefined) refuseEncoderOptions(options);
}

/** @throws DdclError `argument` for an option that only other data have */
function refuseDataOptions({ columns, tensor, labels, text }: OpenTokensOptions): void {
  const what = text === undefined ? 'token shards' : 'text';
  const option = columns === undefined ? (tensor === undefined ? undefined : '--tensor') : '--columns';
  if (option !== undefined) throw usageError(`${option} does not go with ${what}. Leave it out.`);
  if (labels !== undefined && text === undefined) {
    throw usageError(
      "Token shards have their own labels, if they were made with 'ddcl encode-tokens --labels'. Leave --labels out.",
    );
  }
}

/** Opens text or token shards, or returns undefined for other data files. */
async function openTexts(
  files: readonly string[],
  options: OpenTokensOptions,
  loaded: AppliedModel | undefined,
): Promise<OpenedDocuments | undefined> {
  const { text, labels, signal, progress, own, otherEncoder = false } = options;
  const record = loaded?.config.text?.encoder;
  const mode = options.documents ?? loaded?.config.text?.documents ?? 'tokens';
  const requireFit = (dimension: number, what: string): void => {
    if (loaded !== undefined && dimension !== loaded.model.dimension) {
      throw new DdclError(
        'shape',
        `The model takes tokens of dimension ${loaded.model.dimension}, but those of ${what} have ${dimension}. Use the encoder that it was fitted with.`,
      );
    }
  };
  // A fit leaves out documents without a direction; a model gives each a row.
  const rows = { mode, keepEmpty: loaded !== undefined, signal, progress, own };
  if (text !== undefined) {
    refuseDataOptions(options);
    return openTextDocuments(
      {
        text,
        labels,
        encoder: requireEncoder(options, record),
        check: (encoder) => {
          if (record !== undefined) requireSameEncoder(record, encoder.record, otherEncoder);
          requireFit(encoder.dimension, encoder.record.encoder);
        },
        signal,
        progress,
      },
      rows,
    );
  }
  const found = await findTokenShards(files);
  if (found === undefined) return undefined;
  refuseDataOptions(options);
  const shards = own(await openTokenShards(found, await isFolder(files[0]!)), ({ close }) => close());
  if (record !== undefined) requireSameEncoder(record, shards.record, otherEncoder);
  requireFit(shards.record.dimension, files.join(', '));
  return openDocuments(shards, rows);
}

async function open(
  files: readonly string[],
  options: OpenTokensOptions,
  loaded?: AppliedModel,
): Promise<OpenTokens['opened']> {
  checkChoice(files, options);
  const texts = await openTexts(files, options, loaded);
  if (texts !== undefined) return texts;
  if (options.documents === 'mean' || loaded?.config.text?.documents === 'mean') {
    throw usageError(
      `Means of documents need documents, but ${files[0]} has tokens only. Give text with --text, or token shards.`,
    );
  }
  return loaded === undefined ? openFiles(files, options) : openFilesForModel(files, loaded, options);
}

/** Opens data for a fit, measuring what `--standardize` needs. */
export async function openForFit(files: readonly string[], options: OpenTokensOptions): Promise<OpenTokens> {
  const opened = await open(files, options);
  const standardize = options.standardize
    ? await columnStatistics(opened.reader, options.signal, (rows) =>
        options.progress.show({ phase: 'standardizing', done: rows, total: opened.reader.tokens, unit: 'tokens' }),
      )
    : null;
  const preprocessing = { standardize, normalize: options.normalize ?? false };
  return { opened, preprocessing, reader: preprocess(opened.reader, preprocessing) };
}

/** Data files with the model's columns or tensor, unless others are asked for. */
async function openFilesForModel(
  files: readonly string[],
  { config }: AppliedModel,
  options: OpenTokensOptions,
): Promise<OpenedData> {
  const named = files.some((file) => !/\.(npy|safetensors)$/i.test(file));
  const isSafetensors = files.every((file) => /\.safetensors$/i.test(file));
  const columns = options.columns ?? config.data.columns ?? undefined;
  // A model that was fitted on a tensor may be applied to tokens in any kind of file.
  const tensor = options.tensor ?? (isSafetensors ? (config.data.tensor ?? undefined) : undefined);
  const opening = openFiles(files, {
    ...options,
    standardize: config.preprocessing.standardize !== null,
    ...(columns === undefined || !named ? {} : { columns: [...columns] }),
    ...(tensor === undefined ? {} : { tensor }),
  });
  return opening.catch((error: unknown) => {
    if (options.columns !== undefined || !isDdclError(error, 'argument')) throw error;
    const message = error.message.replace('which --columns names', 'a column of the model');
    throw usageError(message, { cause: error });
  });
}

/** Opens data for a model: with its encoder, columns and preprocessing, unless others are asked for. */
export async function openForModel(
  files: readonly string[],
  loaded: AppliedModel,
  options: OpenTokensOptions,
): Promise<OpenTokens> {
  const { config, model } = loaded;
  const opened = await open(files, options, loaded);
  if (opened.reader.dimension !== model.dimension) {
    throw new DdclError(
      'shape',
      `The model takes tokens of dimension ${model.dimension}, but ${files.join(', ')} has ${opened.reader.dimension}. Give data like those it was fitted on.`,
    );
  }
  const { preprocessing } = config;
  return { opened, preprocessing, reader: preprocess(opened.reader, preprocessing) };
}

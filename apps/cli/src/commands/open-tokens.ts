import { DdclError, isDdclError, type TokenReader } from '@ddcl/core';
import { openData, type OpenedData } from '../data/open-data.ts';
import type { Progress } from '../output/progress.ts';
import { columnStatistics, preprocess, type Preprocessing } from '../preprocess/preprocessing.ts';
import type { LoadedModel } from '../model-folder/model-folder.ts';
import type { DataOptions } from './options.ts';

/** Data that are open, preprocessed, and checked against labels. */
export interface OpenTokens {
  readonly opened: OpenedData;
  readonly reader: TokenReader;
  readonly preprocessing: Preprocessing;
}

export interface OpenTokensOptions extends DataOptions {
  readonly standardize?: boolean;
  readonly normalize?: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

async function open(
  files: readonly string[],
  { columns, tensor, labels, signal, progress }: OpenTokensOptions,
): Promise<OpenedData> {
  const other = tensor === undefined ? undefined : files.find((file) => !/\.safetensors$/i.test(file));
  if (other !== undefined)
    throw new DdclError(
      'argument',
      `--tensor chooses a tensor of a .safetensors file, but ${other} is none. Leave it out.`,
    );
  try {
    return await openData(files, {
      ...(columns === undefined ? {} : { columns }),
      ...(tensor === undefined ? {} : { tensor }),
      ...(labels === undefined ? {} : { labels }),
      // Doubles, whatever the fit's precision: the offset is taken off before anything is rounded to float32.
      dtype: 'float64',
      signal,
      onProgress: (done, total) => progress.show('opening     ', done, total),
    });
  } finally {
    progress.stop();
  }
}

/** Opens data files for a fit, measuring what `--standardize` needs. */
export async function openForFit(files: readonly string[], options: OpenTokensOptions): Promise<OpenTokens> {
  const opened = await open(files, options);
  try {
    const standardize = options.standardize
      ? await columnStatistics(opened.reader, options.signal, (rows) =>
          options.progress.show('standardise ', rows, opened.reader.tokens),
        )
      : null;
    const preprocessing = { standardize, normalize: options.normalize ?? false };
    return { opened, preprocessing, reader: preprocess(opened.reader, preprocessing) };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Opens data files for a model: with its columns and preprocessing, unless other columns are asked for. */
export async function openForModel(
  files: readonly string[],
  { config, model }: LoadedModel,
  options: OpenTokensOptions,
): Promise<OpenTokens> {
  const named = files.some((file) => !/\.(npy|safetensors)$/i.test(file));
  const isSafetensors = files.every((file) => /\.safetensors$/i.test(file));
  const columns = options.columns ?? config.data.columns ?? undefined;
  // A model that was fitted on a tensor may be applied to tokens in any kind of file.
  const tensor = options.tensor ?? (isSafetensors ? (config.data.tensor ?? undefined) : undefined);
  const opening = open(files, {
    ...options,
    ...(columns === undefined || !named ? {} : { columns: [...columns] }),
    ...(tensor === undefined ? {} : { tensor }),
  });
  const opened = await opening.catch((error: unknown) => {
    if (options.columns !== undefined || !isDdclError(error, 'argument')) throw error;
    const message = error.message.replace('which --columns names', 'a column of the model');
    throw new DdclError('argument', message, { cause: error });
  });
  try {
    if (opened.reader.dimension !== model.dimension) {
      throw new DdclError(
        'shape',
        `The model takes tokens of dimension ${model.dimension}, but ${files.join(', ')} has ${opened.reader.dimension}. Give data like those it was fitted on.`,
      );
    }
    const { preprocessing } = config;
    return { opened, preprocessing, reader: preprocess(opened.reader, preprocessing) };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

import { dirname, join } from 'node:path';
import { DdclError } from '@ddcl/core';
import { withFileName } from '../data/data-error.ts';
import { isFile } from '../output/entry-at.ts';
import { usageError } from '../output/usage-error.ts';
import { reasonOf } from '../output/write-file.ts';
import { readRegular } from '../output/read-file.ts';

/** Numbers of an encoder's weights: float32, or 8-bit integers (transformers.js calls that file `quantized`). */
export type EncoderDType = 'fp32' | 'q8';

export const encoderDTypes: readonly EncoderDType[] = ['fp32', 'q8'];

/** Where the model may lie in an encoder's folder; the first that is there is taken. */
export function modelNames(dtype: EncoderDType): readonly string[] {
  const name = dtype === 'fp32' ? 'model.onnx' : 'model_quantized.onnx';
  return [`onnx/${name}`, name];
}

/** Files of an encoder; absolute paths. */
export interface EncoderFiles {
  readonly folder: string;
  readonly tokenizer: string;
  readonly config: string;
  /** Not all encoders have one. */
  readonly tokenizerConfig: string | undefined;
  readonly model: string;
  /** Files beside the model that hold its weights. */
  readonly external: readonly string[];
}

/**
 * The files of an encoder's folder, as transformers.js lays it out or with the model beside the tokenizer.
 *
 * @throws DdclError `argument` for a file that is missing, saying what was looked for; `format` for a broken model
 */
export async function findEncoderFiles(folder: string, dtype: EncoderDType): Promise<EncoderFiles> {
  const [tokenizer, config, tokenizerConfig] = ['tokenizer.json', 'config.json', 'tokenizer_config.json'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const remedies = {
    [tokenizer]: 'The tokenizer in this form comes with most encoders; copy it there.',
    [config]: 'Copy it from where the encoder came from.',
  };
  for (const [path, remedy] of Object.entries(remedies)) {
    if (await isFile(path)) continue;
    throw usageError(`The encoder's folder ${folder} has no ${path.slice(folder.length + 1)}. ${remedy}`);
  }
  const model = await firstFile(modelNames(dtype).map((name) => join(folder, name)));
  if (model === undefined) {
    const other = dtype === 'fp32' ? 'q8' : 'fp32';
    const hasOther = (await firstFile(modelNames(other).map((name) => join(folder, name)))) !== undefined;
    const remedy = hasOther
      ? `It has a model for --encoder-dtype ${other}.`
      : 'Export the encoder to ONNX, or take a folder in the layout of transformers.js.';
    throw usageError(
      `The encoder's folder ${folder} has no ${dtype} model: looked for ${modelNames(dtype).join(' and ')}. ${remedy}`,
    );
  }
  const external = (await filesBeside(model)).map((name) => join(dirname(model), name));
  for (const path of external) {
    if (await isFile(path)) continue;
    throw usageError(`${model} has its weights in ${path}, which is missing. Copy it there.`);
  }
  return {
    folder,
    tokenizer,
    config,
    tokenizerConfig: (await isFile(tokenizerConfig)) ? tokenizerConfig : undefined,
    model,
    external,
  };
}

async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isFile(path)) return path;
  return undefined;
}

/**
 * Files beside a model that hold its weights, relative to its folder.
 *
 * @throws DdclError `argument` if the model cannot be read; `format` if it is none or names a file outside its folder
 */
export async function filesBeside(model: string): Promise<string[]> {
  const [bytes, { externalFiles }] = await Promise.all([readEncoderFile(model), import('@ddcl/backend-ort')]);
  return withFileName(model, 'Download it again.', () => externalFiles(bytes));
}

/** @throws DdclError `argument` if a file cannot be read */
async function readEncoderFile(path: string): Promise<Buffer> {
  return readRegular(path).catch((cause: unknown) => {
    throw usageError(`${path} cannot be read (${reasonOf(cause)}).`, cause);
  });
}

/** @throws DdclError `argument` if a file cannot be read, `format` if it is no JSON object */
export async function readEncoderJson(path: string): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readEncoderFile(path);
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new SyntaxError('no object');
  } catch (cause) {
    throw new DdclError('format', `${path} is not a JSON object. Download it again.`, { cause });
  }
}

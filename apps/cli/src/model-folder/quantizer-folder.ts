import { join } from 'node:path';
import { DdclError } from '@ddcl/core';
import {
  autoencoderFromBytes,
  resolveSpec,
  stateFromBytes,
  type Autoencoder,
  type QuantizerState,
  type ResolvedSpec,
} from '@ddcl/vq';
import { withFileName } from '../data/data-error.ts';
import { isFile } from '../output/entry-at.ts';
import { usageError } from '../output/usage-error.ts';
import { readIfThere } from '../output/write-file.ts';
import { modelFiles, readConfig, requireFolder, type AppliedModel, type ModelConfig } from './model-folder.ts';
import { readRegular } from '../output/read-file.ts';

/** A folder that `ddcl vq` wrote. */
export interface LoadedQuantizer extends AppliedModel {
  readonly state: QuantizerState;
  readonly model: ResolvedSpec;
  readonly config: ModelConfig;
}

const givesFolder = "Give the folder that 'ddcl vq fit --out' wrote.";

/** Whether a folder holds a quantizer, and not prototypes. */
export const isQuantizerFolder = (folder: string): Promise<boolean> => isFile(join(folder, modelFiles.quantizer));

/** A folder that `ddcl vq train` wrote. */
export interface LoadedAutoencoder {
  readonly model: Autoencoder;
  readonly config: ModelConfig;
}

/** Undefined for a folder that holds no autoencoder. @throws DdclError `format` for one that is not of this version */
export async function loadAutoencoder(folder: string): Promise<LoadedAutoencoder | undefined> {
  const path = join(folder, modelFiles.autoencoder);
  if (!(await isFile(path))) return undefined;
  const bytes = await readRegular(path);
  const model = withFileName(path, 'Train it again.', () => autoencoderFromBytes(bytes));
  const config = await readConfig(folder);
  if (config === undefined)
    throw usageError(`The folder ${folder} has no ${modelFiles.config}. Copy the whole folder, or train again.`);
  return { model, config };
}

/** Height and width of the images that it learned from, as `config.json` has them. */
export function imageSize({ config }: LoadedAutoencoder): [number, number] {
  const size: unknown = config.measures['size'];
  if (Array.isArray(size) && size.length === 3 && size.every((each) => Number.isSafeInteger(each) && each > 0))
    return [Number(size[0]), Number(size[1])];
  throw usageError(`${modelFiles.config} does not say what size the images had. Train the autoencoder again.`);
}

/** @throws DdclError `argument` or `format` if the folder is missing or does not hold a quantizer of this version */
export async function loadQuantizer(folder: string): Promise<LoadedQuantizer> {
  await requireFolder(folder, givesFolder);
  const path = join(folder, modelFiles.quantizer);
  const bytes = await readIfThere(path, givesFolder);
  if (bytes === undefined) {
    const other = (await isFile(join(folder, modelFiles.model))) ? " It holds prototypes of 'ddcl fit'." : '';
    throw usageError(`The folder ${folder} has no ${modelFiles.quantizer}.${other} ${givesFolder}`);
  }
  const state = withFileName(path, 'Fit the quantizer again.', () => stateFromBytes(bytes));
  const config = await readConfig(folder);
  if (config === undefined) {
    throw usageError(`The folder ${folder} has no ${modelFiles.config}. Copy the whole folder, or fit again.`);
  }
  const model = resolveSpec(state.spec);
  const columns = config.preprocessing.standardize?.mean.length ?? model.dimension;
  if (columns !== model.dimension) {
    throw new DdclError(
      'format',
      `${folder}: the quantizer takes ${model.dimension} numbers, but ${modelFiles.config} standardizes ${columns} columns. Fit again.`,
    );
  }
  return { state, model, config };
}

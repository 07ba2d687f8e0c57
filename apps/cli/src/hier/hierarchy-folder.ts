import { join } from 'node:path';
import { hierarchyFromBytes, hierarchyToBytes, resolveSpec, type HierarchyModel } from '@ddcl/hier';
import { withFileName } from '../data/data-error.ts';
import {
  configFormatVersion,
  modelFiles,
  readConfig,
  requireFolder,
  type ModelConfig,
} from '../model-folder/model-folder.ts';
import { isFile } from '../output/entry-at.ts';
import { usageError } from '../output/usage-error.ts';
import { version } from '../output/version.ts';
import { readIfThere, writeWhole } from '../output/write-file.ts';

/** A folder that `ddcl hier` wrote. */
export interface LoadedHierarchy {
  readonly hierarchy: HierarchyModel;
  readonly config: ModelConfig;
}

const givesFolder = "Give the folder that 'ddcl hier fit --out' wrote.";

/** Whether a folder holds a hierarchy. */
export const isHierarchyFolder = (folder: string): Promise<boolean> => isFile(join(folder, modelFiles.hierarchy));

/** @throws DdclError `argument` or `format` if the folder is missing, or does not hold a whole hierarchy of this version */
export async function loadHierarchy(folder: string): Promise<LoadedHierarchy> {
  await requireFolder(folder, givesFolder);
  const path = join(folder, modelFiles.hierarchy);
  const bytes = await readIfThere(path, givesFolder);
  if (bytes === undefined) throw usageError(`The folder ${folder} has no ${modelFiles.hierarchy}. ${givesFolder}`);
  const hierarchy = withFileName(path, 'Fit the hierarchy again.', () => hierarchyFromBytes(bytes));
  const config = await readConfig(folder);
  if (config === undefined)
    throw usageError(`The folder ${folder} has no ${modelFiles.config}. Copy the whole folder, or fit again.`);
  return { hierarchy, config };
}

/** What a command says of how it made a hierarchy. */
export type HierarchyOrigin = Pick<ModelConfig, 'command' | 'data' | 'text' | 'fit' | 'measures'>;

/** Writes `history.jsonl` where there is one, `config.json`, and last `hierarchy.safetensors`, with which the folder is whole. */
export async function writeHierarchy(
  folder: string,
  hierarchy: HierarchyModel,
  origin: HierarchyOrigin,
  history: readonly object[] = [],
): Promise<void> {
  const config: ModelConfig = {
    format: 'ddcl.config',
    formatVersion: configFormatVersion,
    ...origin,
    preprocessing: { standardize: null, normalize: false },
    versions: { ddcl: version, node: process.version },
  };
  if (history.length > 0)
    await writeWhole(join(folder, modelFiles.history), history.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await writeWhole(join(folder, modelFiles.config), `${JSON.stringify(config, null, 2)}\n`);
  await writeWhole(join(folder, modelFiles.hierarchy), hierarchyToBytes(hierarchy));
}

/** `token 32, document 20`. */
export const describeLevels = ({ spec }: HierarchyModel): string =>
  resolveSpec(spec)
    .map(({ name, prototypes }) => `${name} ${prototypes}`)
    .join(', ');

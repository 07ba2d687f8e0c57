import { resolve } from 'node:path';
import { separation } from '@ddcl/core/metrics';
import { describeHierarchy } from '@ddcl/hier';
import { resolveSpec } from '@ddcl/vq';
import { Command } from 'commander';
import { isHierarchyFolder, loadHierarchy } from '../hier/hierarchy-folder.ts';
import { loadModel, type ModelConfig } from '../model-folder/model-folder.ts';
import {
  isQuantizerFolder,
  loadAutoencoder,
  loadQuantizer,
  type LoadedAutoencoder,
} from '../model-folder/quantizer-folder.ts';
import { bytesPerVector, codesOf } from '../vq/codes-file.ts';
import { print, printableName } from '../output/print.ts';

/** `ddcl inspect`. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('what a model folder holds')
    .argument('<model>', 'model folder')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', '\nExample:\n  $ ddcl inspect model')
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const path = resolve(folder);
      const autoencoder = await loadAutoencoder(path);
      const summary =
        autoencoder !== undefined
          ? autoencoderSummary(autoencoder)
          : (await isQuantizerFolder(path))
            ? await quantizerSummary(path)
            : (await isHierarchyFolder(path))
              ? await hierarchySummary(path)
              : await modelSummary(path);
      print(json ? `${JSON.stringify(summary)}\n` : `${formatLines(summary).join('\n')}\n`);
    });
}

async function modelSummary(folder: string): Promise<object> {
  const { model, config } = await loadModel(folder);
  const { count, dimension, dtype, temperature, criticalTemperature } = model;
  return {
    prototypes: count,
    dimension,
    dtype,
    temperature,
    criticalTemperature,
    separation: separation(model.prototypes, count, dimension),
    ...origin(config),
  };
}

async function quantizerSummary(folder: string): Promise<object> {
  const { state, model, config } = await loadQuantizer(folder);
  const { kind, dimension, codes, heads, depth, codeDimension } = model;
  return {
    quantizer: kind,
    dimension,
    codes,
    heads,
    depth,
    codeDimension,
    bytesPerVector: bytesPerVector(codesOf(model)),
    numbers: Object.values(state.tensors).reduce((sum, { length }) => sum + length, 0),
    ...origin(config),
  };
}

async function hierarchySummary(folder: string): Promise<object> {
  const { hierarchy, config } = await loadHierarchy(folder);
  const { hash, documents, levels } = describeHierarchy(hierarchy);
  const each = levels.map(({ name, prototypes, width, temperatureShare, up }) => [
    name,
    { prototypes, width, temperatureShare, passes: up?.what ?? null },
  ]);
  return { hierarchy: hash, documentsSeen: documents, levels: Object.fromEntries(each), ...origin(config) };
}

function autoencoderSummary({ model, config }: LoadedAutoencoder): object {
  const { kind, codes, heads, depth } = resolveSpec(model.quantizer.spec);
  return { autoencoder: kind, ...model.sizes, codes, heads, depth, pixels: model.pixels, ...origin(config) };
}

/** What a folder says of how it was made. */
const origin = ({ data, text, preprocessing, fit, measures, versions }: ModelConfig): object => ({
  data,
  ...(text === undefined ? {} : { text }),
  preprocessing: { standardize: preprocessing.standardize !== null, normalize: preprocessing.normalize },
  fit,
  measures,
  versions,
});

/** Nested names and values as indented lines. */
function formatLines(value: object, indent = ''): string[] {
  return Object.entries(value).flatMap(([name, entry]: [string, unknown]) => {
    const shown = printableName(name);
    if (typeof entry === 'object' && entry !== null && !Array.isArray(entry))
      return [`${indent}${shown}`, ...formatLines(entry, `${indent}  `)];
    const text = Array.isArray(entry) ? entry.map(textOf).join(', ') : textOf(entry);
    return [`${indent}${shown.padEnd(Math.max(1, 22 - indent.length))} ${printableName(text)}`];
  });
}

const textOf = (entry: unknown): string =>
  entry === null ? 'none' : typeof entry === 'object' ? JSON.stringify(entry) : String(entry);

import { resolve } from 'node:path';
import { separation } from '@ddcl/core/metrics';
import { Command } from 'commander';
import { loadModel } from '../model-folder/model-folder.ts';

/** `ddcl inspect`. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('what a model folder holds')
    .argument('<model>', 'model folder')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', '\nExample:\n  $ ddcl inspect model')
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const { model, config } = await loadModel(resolve(folder));
      const { count, dimension, dtype, temperature, criticalTemperature } = model;
      const summary = {
        prototypes: count,
        dimension,
        dtype,
        temperature,
        criticalTemperature,
        separation: separation(model.prototypes, count, dimension),
        data: config.data,
        ...(config.text === undefined ? {} : { text: config.text }),
        preprocessing: {
          standardize: config.preprocessing.standardize !== null,
          normalize: config.preprocessing.normalize,
        },
        fit: config.fit,
        measures: config.measures,
        versions: config.versions,
      };
      process.stdout.write(json ? `${JSON.stringify(summary)}\n` : `${formatLines(summary).join('\n')}\n`);
    });
}

/** Nested names and values as indented lines. */
function formatLines(value: object, indent = ''): string[] {
  return Object.entries(value).flatMap(([name, entry]: [string, unknown]) => {
    if (typeof entry === 'object' && entry !== null && !Array.isArray(entry))
      return [`${indent}${name}`, ...formatLines(entry, `${indent}  `)];
    const text = Array.isArray(entry) ? entry.join(', ') : entry === null ? 'none' : String(entry);
    return [`${indent}${name.padEnd(Math.max(1, 22 - indent.length))} ${text}`];
  });
}

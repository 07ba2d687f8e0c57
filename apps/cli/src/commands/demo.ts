import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { tokensFromArray } from '@ddcl/core/fit';
import { Command } from 'commander';
import { passesOf } from '../backends/choose-backend.ts';
import { backendOption } from '../backends/backend-options.ts';
import { seedOption, wholeNumber } from '../command-line/options.ts';
import { generateOrbitalRegimes } from '../demo/orbital-regimes.ts';
import { modelFiles, readConfig } from '../model-folder/model-folder.ts';
import { isLockFile } from '../model-folder/folder-lock.ts';
import { isOwnFile, openOutFolder } from '../model-folder/out-folder.ts';
import { formatMeasures } from '../measures/measures.ts';
import { columnStatistics, preprocess } from '../preprocess/preprocessing.ts';
import { formatPerClassTable } from '../report/per-class-table.ts';
import { runFit } from '../fit/run-fit.ts';
import { withCommand } from './with-command.ts';

interface DemoOptions {
  readonly objects: number;
  readonly prototypes: number;
  readonly backend: string;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

/** Recorded as the command line in a demo's config, by which the next demo knows it. */
const command = 'ddcl demo';

/** `ddcl demo`. */
export function demoCommand(): Command {
  return (
    new Command('demo')
      .description('fit four prototypes to a generated catalogue of orbits: LEO, MEO, GEO and HEO')
      .option('--objects <N>', 'objects in the catalogue', wholeNumber(16), 4000)
      .option('--prototypes <K>', 'number of prototypes', wholeNumber(1), 4)
      .option('--out <folder>', 'folder for the model and the report; an earlier demo there is replaced', 'ddcl-demo')
      // Its rows have five numbers: there is nothing for more cores to do, and ONNX Runtime takes a while to start.
      .addOption(backendOption().default('cpu'))
      .addOption(seedOption())
      .option('--json', 'print one JSON object on stdout')
      .addHelpText('after', '\nExample:\n  $ ddcl demo')
      .action((options: DemoOptions) => demoAction(options))
  );
}

/** Removes an earlier demo, and nothing else: a folder with any other file, or with another fit, stays as it is. */
async function clearDemo(out: string): Promise<void> {
  const names = await readdir(out).catch(() => []);
  const config = await readConfig(out).catch(() => undefined);
  if (config?.command !== command || !names.every(isOwnFile)) return;
  await Promise.all(names.filter((name) => !isLockFile(name)).map((name) => rm(join(out, name))));
}

function demoAction({ objects, prototypes, seed, out: folder, backend: name, json }: DemoOptions): Promise<void> {
  return withCommand({ json }, async (scope) => {
    const out = resolve(folder);
    scope.own(await openOutFolder(out, { clear: () => clearDemo(out) }), (release) => release());
    const backend = await scope.backend(name);
    scope.announce(backend, passesOf.fit * objects * prototypes);
    // A demo takes seconds and is never resumed.
    scope.own(join(out, modelFiles.checkpoint), (path) => rm(path, { force: true }));
    const catalogue = generateOrbitalRegimes({ objects, seed });
    const raw = tokensFromArray(catalogue.rows, catalogue.columns.length);
    const preprocessing = { standardize: await columnStatistics(raw), normalize: false };
    const { measures, warnings, perClass, reportFailure } = await runFit({
      ...scope,
      backend,
      reader: preprocess(raw, preprocessing),
      labels: catalogue.labels,
      preprocessing,
      data: {
        columns: catalogue.columns,
        tensor: null,
        tokens: objects,
        fingerprint: createHash('sha256').update(new Uint8Array(catalogue.rows.buffer)).digest('hex'),
      },
      options: { prototypes, seed },
      out,
      resume: false,
      title: `Orbital regimes: ${prototypes} prototypes on ${objects} generated objects`,
      command,
    });
    scope.warn(warnings);
    if (reportFailure !== undefined)
      scope.warn([
        `The report could not be drawn (${reportFailure}). The model is whole; run the demo again for the report.`,
      ]);
    scope.print(
      measures,
      `${objects} generated objects in LEO, MEO, GEO and HEO, five features, fitted without their classes\n\n` +
        `${formatMeasures(measures)}\n\n${perClass === undefined ? '' : `${formatPerClassTable(perClass)}\n\n`}` +
        (reportFailure === undefined ? `report: ${join(out, modelFiles.report)}` : `model: ${out}`),
    );
  });
}

import { join } from 'node:path';
import { tokensFromArray, tokensFromReader, type FitResult } from '@ddcl/core/fit';
import { readCodes } from '../measures/codes.ts';
import { modelFiles, type ModelConfig } from '../model-folder/model-folder.ts';
import { writeWhole } from '../output/write-file.ts';
import type { FitReport } from '../report/fit-report.ts';
import { formatNumber } from '../report/format-number.ts';
import { projectTokens } from '../report/project-tokens.ts';
import type { FitRun } from './fit-run.ts';

/** Tokens drawn in the report's scatter plots. */
const projectedTokens = 2000;

/** Draws `report.html` and writes it. */
export async function writeReport(
  run: FitRun,
  result: FitResult,
  config: ModelConfig,
  shown: Pick<FitReport, 'measures' | 'warnings' | 'perClass'>,
): Promise<void> {
  // The plotting library takes half a second to load; nothing else needs it.
  const { renderReport } = await import('../report/render-report.ts');
  const report = renderReport({
    ...shown,
    title: run.title,
    history: result.history.filter(({ restart }) => restart === result.bestRestart),
    projection: await project(run, result),
    settings: Object.fromEntries(
      Object.entries(config.fit)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => [name, typeof value === 'number' ? formatNumber(value) : String(value)]),
    ),
    command: run.command,
    versions: config.versions,
  });
  await writeWhole(join(run.out, modelFiles.report), report);
}

async function project(
  { backend: { backend }, labels, signal }: FitRun,
  { statistics, model }: FitResult,
): Promise<FitReport['projection']> {
  const { rows, indices, count } = statistics.sample;
  const dimension = model.dimension;
  const most = Math.min(projectedTokens, count);
  const picked = Array.from({ length: most }, (_, index) => Math.floor((index * count) / most));
  const tokens = new Float64Array(most * dimension);
  picked.forEach((row, index) => tokens.set(rows.subarray(row * dimension, (row + 1) * dimension), index * dimension));
  return projectTokens({
    tokens,
    dimension,
    prototypes: model.prototypes,
    assignments: await readCodes(backend, model, tokensFromReader(tokensFromArray(tokens, dimension)), signal),
    labels: labels && picked.map((row) => labels.at(indices[row]!)!),
  });
}

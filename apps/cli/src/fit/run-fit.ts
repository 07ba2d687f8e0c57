import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDdclError } from '@ddcl/core';
import {
  fit,
  fitIdentity,
  modelToBytes,
  tokensFromReader,
  type FitIdentity,
  type FitOptions,
  type FitResult,
} from '@ddcl/core/fit';
import type { ContingencyTable } from '@ddcl/core/metrics';
import { readCheckpoint, requireSameFit } from '../model-folder/checkpoint-file.ts';
import { modelFiles, readConfig } from '../model-folder/model-folder.ts';
import { classCounter, classRows, scoreLabels } from '../measures/label-scores.ts';
import { makeMeasures } from '../measures/measures.ts';
import { warningsOf } from '../measures/warnings.ts';
import { messageOf } from '../output/message-of.ts';
import { writeWhole } from '../output/write-file.ts';
import { dataIdentity, makeConfig } from './fit-config.ts';
import type { FitRun, FitRunResult } from './fit-run.ts';
import { phaseClock } from './phase-clock.ts';
import { showFit } from './show-fit.ts';
import { writeReport } from './write-report.ts';

/** Seconds between two checkpoints. */
const checkpointSeconds = 2;

/**
 * Fits, keeping a checkpoint in the folder meanwhile, then writes `history.jsonl`, `config.json` and `model.safetensors`, with which the folder is
 * whole, and last `report.html`. The checkpoint is removed when all is there: where the report failed, a resume draws it again.
 */
export async function runFit(run: FitRun): Promise<FitRunResult> {
  const { out, progress } = run;
  const { backend } = run.backend;
  const source = tokensFromReader(run.reader);
  const options: FitOptions = { ...run.options, identity: dataIdentity(run) };
  const identity = fitIdentity(options);
  const checkpoint = run.resume ? await readCheckpoint(out, identity, run.backend) : undefined;
  const finished = run.resume ? await readConfig(out) : undefined;
  if (finished !== undefined) requireSameFit(`The model in ${out}`, finished.identity ?? {}, identity, run.backend);
  const clock = phaseClock();
  const show = showFit(progress);
  const classes = run.labels && classCounter(run.labels);
  let written = -Infinity;
  const result = await fit(backend, source, {
    ...options,
    signal: run.signal,
    onProgress: (state) => {
      clock.tick(state.phase);
      show.onProgress(state);
    },
    onRecord: show.onRecord,
    ...(classes === undefined ? {} : { onCodes: (codes: Int32Array) => classes.add(codes) }),
    onWarning: (warning) => run.warn([warning]),
    onCheckpoint: async (make) => {
      if (performance.now() - written < checkpointSeconds * 1000 && !run.signal.aborted) return;
      await writeWhole(join(out, modelFiles.checkpoint), await make());
      written = performance.now();
    },
    ...(checkpoint === undefined ? {} : { resume: checkpoint }),
  });
  progress.stop();
  return { ...(await writeResults(run, identity, result, classes?.table())), phases: clock.seconds() };
}

async function writeResults(
  run: FitRun,
  identity: FitIdentity,
  result: FitResult,
  classes: ContingencyTable | undefined,
): Promise<Omit<FitRunResult, 'phases'>> {
  const { out } = run;
  const { model, quantities, stability, statistics } = result;
  const labels = classes && scoreLabels(classes);
  const measures = makeMeasures(
    run.backend.backend,
    statistics.tokens,
    model,
    quantities,
    stability,
    labels,
    run.seconds(),
  );
  const warnings = warningsOf(measures);
  const perClass = classes && classRows(classes);
  const config = makeConfig(run, identity, result, measures);
  await writeWhole(
    join(out, modelFiles.history),
    result.history.map((record) => `${JSON.stringify(record)}\n`).join(''),
  );
  await writeWhole(join(out, modelFiles.config), `${JSON.stringify(config, null, 2)}\n`);
  // The last of them: a folder with a model is whole.
  await writeWhole(join(out, modelFiles.model), modelToBytes({ ...model, preprocessing: run.preprocessing }));
  const made = { measures, warnings, perClass };
  try {
    await writeReport(run, result, config, made);
  } catch (error) {
    if (isDdclError(error, 'aborted')) throw error;
    return {
      ...made,
      reportFailure: messageOf(error).replace(/\s*\n\s*/g, ' '),
    };
  }
  await rm(join(out, modelFiles.checkpoint), { force: true });
  return { ...made, reportFailure: undefined };
}

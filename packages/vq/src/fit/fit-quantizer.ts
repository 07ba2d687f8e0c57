import { createRandom } from '@ddcl/core';
import { abortableBackend, type Backend } from '@ddcl/core/backend';
import { abortableSource, type TokenSource } from '@ddcl/core/fit';
import { quantize, type CodeReport } from '../apply/quantize.ts';
import { requireBackend, requireNumber, requireOptions, requireSource, requireWhole } from '../checks/require.ts';
import { quantizerControls, type QuantizerSchedule } from '../part/controls.ts';
import { resolveSpec } from '../spec/resolve.ts';
import type { QuantizerSpec } from '../spec/spec.ts';
import type { QuantizerState } from '../state/state.ts';
import { stateTensors } from '../state/tensors.ts';
import { fitByAverages, fitByTraining } from './fit-by-training.ts';
import { fitDdcl } from './fit-ddcl.ts';
import { initialize, type InitializeOptions } from './initialize.ts';
import type { FitRecord } from './record.ts';
import { sampleOf } from './sample.ts';
import { rowSource } from '../apply/row-pass.ts';

export interface FitQuantizerOptions extends InitializeOptions {
  /** Steps; for `ddcl` without learned projections the annealed steps of each codebook's fit, by default as core's `fit` has them; else default 500. */
  readonly steps?: number;
  /** Vectors of a step, at most as many as there are. Default 1024; 4 K if that is more. */
  readonly batch?: number;
  /** Adam's rate for codes, in units of the vectors' root-mean-square deviation per component. Default 0.02. */
  readonly codeRate?: number;
  /** Adam's rate for projections and matrices. Default 0.002. */
  readonly learningRate?: number;
  /** Temperatures of kinds that have any. */
  readonly schedule?: QuantizerSchedule;
  /** Called with the share that is done, 0..1. */
  readonly onProgress?: (done: number) => void;
  /** Called about 20 times, and at the end, with what the codes do on a sample: for `ddcl` without learned projections as core's `fit` records it for each codebook. */
  readonly onRecord?: (record: FitRecord) => void;
  /** Told of a residual level that adds nothing, and of what makes the fit slower than asked for. */
  readonly onWarning?: (warning: string) => void;
}

export interface FitQuantizerResult {
  readonly state: QuantizerState;
  /** Of the vectors that it was fitted on (a sample, if there are many). */
  readonly report: CodeReport;
}

/** A residual level that lowers the error by less than this share adds nothing. */
const nothing = 0.01;

/** Vectors that records are measured on: a reservoir has them in no order. */
const recordedVectors = 4096;

/**
 * A quantizer for vectors as they are, such as embeddings: with heads it is product quantization, with depth residual quantization. `ddcl` codebooks
 * are fitted by core's `fit`; the others start at k-means and go on by their own rule.
 *
 * @throws DdclError `data` for fewer distinct vectors than codes, or numbers that are not finite; `shape` or `argument` for what does not fit; `aborted`
 */
export async function fitQuantizer(
  backend: Backend,
  source: TokenSource,
  spec: QuantizerSpec,
  options: FitQuantizerOptions = {},
): Promise<FitQuantizerResult> {
  requireBackend(backend);
  requireSource(source);
  requireOptions(options);
  const resolved = resolveSpec(spec);
  const { seed = 0, steps = 500, codeRate = 0.02, learningRate = 0.002, schedule = {}, signal, onProgress } = options;
  backend = abortableBackend(backend, signal);
  const { batch = Math.max(1024, 4 * Math.min(resolved.codes, 1 << 14)), onWarning } = options;
  for (const [name, value] of Object.entries({ steps, batch })) requireWhole(name, value, 1);
  for (const [name, value] of Object.entries({ codeRate, learningRate }))
    requireNumber(name, value, (rate) => rate >= 0, 'a number >= 0');
  requireWhole('seed', seed, 0);
  // Before anything takes time.
  quantizerControls(resolved, schedule, 0, createRandom(seed));
  if (options.sample !== undefined) requireWhole('sample', options.sample, 1);
  const most = options.sample ?? Math.max(65_536, 256 * Math.min(resolved.codes, 1 << 14));
  const sample = await sampleOf(abortableSource(source, signal), most, createRandom(seed).fork('fit'));
  const rows = rowSource(sample.rows, source.dimension, sample.weights);
  const isLearned = resolved.projected && resolved.projection === 'learned';
  const isPlainDdcl = resolved.kind === 'ddcl' && !isLearned && !resolved.frozen;
  const start = await initialize(backend, spec, rows, {
    ...options,
    // Core's fit has a start of its own.
    ...(isPlainDdcl && { start: 'pulled' }),
  });
  const { onRecord } = options;
  const training = { steps, batch, codeRate, learningRate, schedule, seed, signal, onProgress };
  const latents = { data: sample.rows, shape: [sample.count, source.dimension], weights: sample.weights };
  const isTrained = stateTensors(resolved).some(({ role }) => role === 'trained');
  const watched = Math.min(recordedVectors, sample.count);
  const onState =
    onRecord &&
    (async (now: QuantizerState, step: number): Promise<void> => {
      const few = { data: sample.rows.subarray(0, watched * source.dimension), shape: [watched, source.dimension] };
      const { report } = await quantize(backend, now, { ...few, weights: sample.weights.subarray(0, watched) });
      onRecord({
        step,
        slice: 0,
        level: 0,
        error: report.quantization,
        use: report.use,
        perplexity: report.perplexity,
      });
    });
  let state = start;
  if (isPlainDdcl) {
    state = await fitDdcl(backend, resolved, start, sample, {
      steps: options.steps,
      seed,
      signal,
      onProgress,
      onWarning,
      onRecord,
    });
  } else if (isTrained) {
    const { variance } = (await quantize(backend, { ...start }, latents)).report;
    state = await fitByTraining(backend, resolved, start, sample, variance || 1, { ...training, onState });
  } else if (stateTensors(resolved).length > 0 && !resolved.frozen) {
    state = await fitByAverages(backend, resolved, start, sample, { ...training, onState });
  }
  const { report } = await quantize(backend, state, latents);
  warnOfLevels(report, onWarning);
  return { state, report };
}

function warnOfLevels({ levelErrors }: CodeReport, onWarning: ((warning: string) => void) | undefined): void {
  levelErrors.forEach((error, level) => {
    if (level === 0 || error < levelErrors[level - 1]! * (1 - nothing)) return;
    const before = levelErrors[level - 1]!;
    const how = error > before ? 'raises the error' : `lowers the error by less than ${nothing * 100} %`;
    onWarning?.(
      `Residual level ${level + 1} ${how}, from ${before.toPrecision(4)} to ${error.toPrecision(4)}: its codes cost bytes and add nothing. Ask for a depth of ${level}, or for a codebook of its own for each level.`,
    );
  });
}

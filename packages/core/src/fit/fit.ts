import { abortableBackend } from '../backend/abortable-backend.ts';
import type { Backend } from '../backend/contract.ts';
import type { MeasuredQuantities } from '../measure/measure.ts';
import { createRandom } from '../random/random.ts';
import { modelState, type DdclModel } from '../model/model.ts';
import type { Stability } from '../stability/stability.ts';
import { measureStability } from '../stability/measure-stability.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import { mostStepRows } from '../tokens/block-size.ts';
import { abortableSource } from '../tokens/abortable-source.ts';
import { tokenFeed } from '../tokens/token-feed.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { malformed } from './check-checkpoint.ts';
import { checkpointFromBytes, type BestRestart, type FitCheckpoint } from './checkpoint.ts';
import { finalMeasurement, measureRestart, settled, type Measured } from './final-model.ts';
import { firstPass } from './first-pass.ts';
import type { HistoryRecord } from './history.ts';
import { fitIdentity, requireSameFit, tokenIdentity } from './identity.ts';
import { resolveFitOptions, type FitOptions, type FitProgress, type ResolvedFitOptions } from './options.ts';
import type { FitContext } from './restart.ts';
import { makeModel, runRestarts, type Restarts } from './run-restarts.ts';
import { createRelocation } from './relocate-prototypes.ts';
import { planSteps } from './schedule.ts';
import { shareExecutables } from './share-executables.ts';
import { createStepper } from './stepper.ts';
import { openStepTokens } from './step-tokens.ts';
import { watchSample } from './watched-sample.ts';

/** What a fit returns. */
export interface FitResult {
  readonly model: DdclModel;
  /** One last pass over all tokens, at the model's prototypes and temperature. */
  readonly quantities: MeasuredQuantities;
  /** Of the mean loss's Hessian at the model; `tokens` says on how many: all, or a sample where they are too many. */
  readonly stability: Stability;
  readonly statistics: TokenStatistics;
  /** Records of all restarts, in order. */
  readonly history: readonly HistoryRecord[];
  /** Which restart was kept, from 0. */
  readonly bestRestart: number;
  /** Hard error of each restart on all tokens; of the one that was kept after settling. */
  readonly restartErrors: readonly number[];
  /** Steps and passes of the last restart; fewer than planned where the refinement converged. */
  readonly steps: number;
}

/** A fit without what is told of it. */
export type FittedPrototypes = Pick<FitResult, 'model' | 'statistics' | 'history' | 'bestRestart' | 'steps'>;

/** Numbers of prototypes (K m) above which the certificate spends few products on H's own spectrum. */
const roughNumbers = 4096;

/**
 * Fits K prototypes to tokens: one pass for statistics, then annealed optimiser steps on shuffled batches, then one
 * pass that measures the result. Memory is that of a block, the sample and the prototypes, whatever the number of tokens.
 *
 * @throws DdclError `data` for fewer distinct tokens than prototypes or tokens that are not finite; `temperature` unless
 *   0 < T < T_c; `argument` for options out of range; `aborted` when the signal fires; whatever the backend throws
 */
export async function fit(backend: Backend, source: TokenSource, options: FitOptions): Promise<FitResult> {
  return withRestarts(backend, source, resolveFitOptions(options), finish);
}

/**
 * The prototypes of {@link fit} alone, without the last pass and the certificate, which take as long as a small fit itself: for codebooks by the dozen.
 *
 * @throws DdclError as {@link fit}
 */
export async function fitPrototypes(
  backend: Backend,
  source: TokenSource,
  options: Omit<FitOptions, 'settle' | 'onCodes'>,
): Promise<FittedPrototypes> {
  const resolved = resolveFitOptions({ ...options, settle: false });
  return withRestarts(backend, source, resolved, async ({ context, sample, best, history }) => ({
    model: makeModel(context, best),
    statistics: { ...context.statistics, sample },
    history,
    bestRestart: best.restart,
    steps: history.at(-1)!.step,
  }));
}

/** All restarts, and what comes of them. */
interface Finished extends Restarts {
  readonly context: FitContext;
  /** With the weights that were given. */
  readonly sample: TokenStatistics['sample'];
  /** What weights were multiplied by. */
  readonly unit: number;
}

async function withRestarts<Result>(
  backend: Backend,
  source: TokenSource,
  resolved: ResolvedFitOptions,
  then: (finished: Finished) => Promise<Result>,
): Promise<Result> {
  const shared = shareExecutables(abortableBackend(backend, resolved.signal));
  try {
    return await runResolved(shared.backend, abortableSource(source, resolved.signal), resolved, then);
  } finally {
    shared.dispose();
  }
}

async function runResolved<Result>(
  backend: Backend,
  given: TokenSource,
  resolved: ResolvedFitOptions,
  then: (finished: Finished) => Promise<Result>,
): Promise<Result> {
  const random = createRandom(resolved.seed);
  const identity = fitIdentity(resolved);
  const found = resolved.resume === undefined ? undefined : checkpointFromBytes(resolved.resume);
  // Before the first pass, which may take long.
  if (found !== undefined) requireSameFit(found.identity, identity);
  const { source, unit, temperature, ...first } = await firstPass(backend, given, resolved);
  const feed = tokenFeed(backend, source, first.statistics.frame, resolved.dtype);
  const statistics = { ...first.statistics, frame: feed.frame };
  const width = Math.max(source.dimension, resolved.prototypes);
  const { dimension } = source;
  const planned = {
    ...resolved,
    dimension,
    passes: resolved.refinement.passes,
    relocate: resolved.relocate && resolved.anneal,
  };
  const plan = planSteps(statistics.tokens, planned, mostStepRows(width, backend.capabilities));
  const sizes = {
    rows: plan.rows,
    count: resolved.prototypes,
    dimension: source.dimension,
    dtype: resolved.dtype,
    tokenDtype: feed.dtype,
  };
  const tokens = tokenIdentity(statistics);
  if (found !== undefined) {
    requireSameFit(found.tokens, tokens);
    requireWithin(found, sizes, resolved.restarts, plan.totalSteps);
  }

  const held: { dispose(): void }[] = [];
  const hold = <Held extends { dispose(): void }>(made: Held): Held => {
    held.push(made);
    return made;
  };
  try {
    const context: FitContext = {
      backend,
      source,
      tokens: hold(
        await openStepTokens(
          backend,
          feed,
          { tokens: statistics.tokens, dimension: source.dimension },
          plan,
          resolved,
          random,
        ),
      ),
      options: resolved,
      statistics,
      temperature,
      plan,
      stepper: hold(await createStepper(backend, sizes, resolved.optimizer, feed.uploadFrame)),
      relocation: hold(await createRelocation(backend, statistics, resolved)),
      watched: hold(await watchSample(backend, statistics, resolved)),
      random,
    };
    // Reading the tokens once more belongs to what was done before the fit.
    const { tokens: total } = statistics;
    const read = { phase: 'statistics', restart: 0, restarts: resolved.restarts, done: total, total } as const;
    resolved.onProgress?.(read);
    const restarts = await runRestarts(context, { identity, tokens }, found);
    return await then({ ...restarts, context, sample: first.sample, unit });
  } finally {
    for (const each of held.reverse()) each.dispose();
  }
}

/** @throws DdclError `format` for a checkpoint that no fit of these sizes writes */
function requireWithin(
  { shape, dtype, restart, step, state }: FitCheckpoint,
  sizes: { readonly count: number; readonly dimension: number; readonly dtype: string },
  restarts: number,
  steps: number,
): void {
  const isSized = shape[0] === sizes.count && shape[1] === sizes.dimension && dtype === sizes.dtype;
  // After the last restart there is nothing to go on with.
  const isWithin = restart < restarts + Number(state.length === 0) && step <= steps;
  if (!isSized || !isWithin) throw malformed('The checkpoint is at a place that this fit does not have');
}

/** Measures the best restart on all tokens, and certifies it. */
async function finish(finished: Finished): Promise<FitResult> {
  const { context, best, history, errors, measured, sample, unit } = finished;
  const { backend, source, statistics, options } = context;
  const tell = (phase: FitProgress['phase']) => (done: number) =>
    options.onProgress?.({ phase, restart: best.restart, restarts: options.restarts, done, total: undefined });
  const annealed = makeModel(context, best);
  const certify = (own: DdclModel): Promise<Stability> => {
    // Looking for the boundary tokens may take longer than the products that are told one by one.
    tell('stability')(0);
    return measureStability(backend, source, statistics, modelState(own), {
      random: context.random.fork('stability'),
      isRough: options.prototypes * source.dimension > roughNumbers,
      signal: options.signal,
      onIteration: tell('stability'),
    });
  };
  const certified = options.settle ? await settled(context, annealed, certify, tell('settle')) : undefined;
  const model = certified?.model ?? annealed;
  const known = model === annealed ? measured : undefined;
  for (const codes of known?.codes ?? []) options.onCodes?.(codes);
  const scaled = known?.quantities ?? (await finalMeasurement(context, model, best.restart));
  const quantities = { ...scaled, weight: scaled.weight / unit };
  const stability = certified?.stability ?? (await certify(model));
  if (certified !== undefined) await warnIfWorse(context, best, measured, quantities.loss.hard);
  const restartErrors = errors.map((hard, restart) => (restart === best.restart ? quantities.loss.hard : hard));
  return {
    model,
    quantities,
    stability,
    statistics: { ...statistics, sample },
    history,
    bestRestart: best.restart,
    restartErrors,
    steps: history.at(-1)!.step,
  };
}

/** L_q falls while prototypes settle; where T is above the mean hard error, the hard error may rise by more than that is worth. */
async function warnIfWorse(
  context: FitContext,
  best: BestRestart,
  measured: Measured | undefined,
  after: number,
): Promise<void> {
  const { options } = context;
  const { loss } = (measured ?? (await measureRestart(context, makeModel(context, best), best.restart))).quantities;
  if (after <= 1.001 * loss.hard) return;
  options.onWarning?.(
    `Settling lowered L_q but raised the hard error by ${(100 * (after / loss.hard - 1)).toPrecision(2)} %: at this temperature the soft and the hard minimum are apart. Give a lower temperature, or leave settle out.`,
  );
}

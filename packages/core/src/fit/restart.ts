import type { Backend } from '../backend/contract.ts';
import { fromFrame } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { throwIfAborted } from '../abort/abort-signal.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { constantSchedule } from '../optimise/schedule.ts';
import type { Random } from '../random/random.ts';
import type { DeviceBlock } from '../tokens/device-blocks.ts';
import type { TokenFeed } from '../tokens/token-feed.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import type { StoppingState } from './checkpoint.ts';
import type { HistoryRecord } from './history.ts';
import type { ResolvedFitOptions } from './options.ts';
import { relocatePrototypes } from './relocate-prototypes.ts';
import { coolingShare, rateSchedule, temperatureSchedule, type StepPlan } from './schedule.ts';
import type { Stepper } from './stepper.ts';
import type { WatchedSample } from './watched-sample.ts';

/** What all restarts of a fit share. */
export interface FitContext {
  readonly backend: Backend;
  readonly source: TokenSource;
  /** The same tokens on their way to the device. */
  readonly feed: TokenFeed;
  readonly options: ResolvedFitOptions;
  readonly statistics: TokenStatistics;
  /** The final temperature, in the tokens' units squared. */
  readonly temperature: number;
  readonly plan: StepPlan;
  readonly stepper: Stepper;
  /** A fixed sample of tokens on the device, on which history records are measured. */
  readonly watched: WatchedSample;
  readonly random: Random;
}

/** Where a restart begins or goes on; the stepper holds the matching prototypes. */
export interface RestartPosition {
  readonly restart: number;
  readonly step: number;
  readonly stopping: StoppingState;
}

/** Called after each history record, with the position after it. */
export type AfterRecord = (record: HistoryRecord, position: RestartPosition) => Promise<void>;

/** Steps after which a history record is made: the first, the last, and about `records` in between. */
function isRecordStep(step: number, total: number, records: number): boolean {
  return step === total || step === 1 || step % Math.max(1, Math.round(total / records)) === 0;
}

/** The groups of `parts` device blocks that make one step each. */
async function* steps(blocks: AsyncIterable<DeviceBlock>, parts: number): AsyncGenerator<DeviceBlock[]> {
  let group: DeviceBlock[] = [];
  for await (const block of blocks) {
    // The arrays are reused for the next block, so a step of several blocks needs its own.
    group.push(parts === 1 ? block : { ...block, data: block.data.slice(), weights: block.weights.slice() });
    if (group.length === parts) {
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}

/** Runs one restart from a position to its end (or an early stop); returns the steps made. */
export async function runRestart(
  context: FitContext,
  position: RestartPosition,
  afterRecord: AfterRecord,
): Promise<number> {
  const { options, statistics, plan, stepper, random } = context;
  const { frame, criticalTemperature } = statistics;
  const unit = frame.scale ** 2;
  const { totalSteps, stepsPerEpoch } = plan;
  const cooling = temperatureSchedule(context.temperature, criticalTemperature, options.anneal, position.restart);
  const relocationStep = options.relocate && options.anneal ? Math.round(coolingShare * totalSteps) : 0;
  const rates = options.constantRate ? constantSchedule(options.learningRate) : rateSchedule(options.learningRate);
  const own = random.fork(`restart ${position.restart}`);
  let { step, stopping } = position;

  const record = async (): Promise<HistoryRecord> => {
    const progress = progressAt(step);
    const temperature = cooling(progress);
    const measured = await context.watched.measure(await stepper.prototypes(), temperature);
    const { weight: _weight, shares: _shares, ...quantities } = measured;
    return {
      restart: position.restart,
      step,
      epoch: step / stepsPerEpoch,
      temperature,
      learningRate: rates(progress),
      ...quantities,
    };
  };
  const progressAt = (made: number): number => (totalSteps === 1 ? 1 : (made - 1) / (totalSteps - 1));

  // Asked before the first step too: a checkpoint may have been made at the record that ended a restart early.
  const stopped = (): boolean => options.earlyStop !== undefined && stopping.waited >= options.earlyStop.patience;
  while (step < totalSteps && !stopped()) {
    const before = step;
    const epoch = Math.floor(step / stepsPerEpoch);
    // A step over all tokens does not depend on their order.
    const order =
      options.shuffle && stepsPerEpoch > 1 ? { seed: own.fork(`epoch ${epoch}`).integer(2 ** 48) } : 'stored';
    const blocks = context.feed.blocks(order, plan.rows);
    let next = epoch * stepsPerEpoch;
    for await (const group of steps(blocks, plan.parts)) {
      if (next++ < step) continue;
      throwIfAborted(options.signal);
      if (step === relocationStep && step > 0) await relocatePrototypes(stepper, statistics, options.prototypes);
      step++;
      const progress = progressAt(step);
      await stepper.step(group, { temperature: cooling(progress) / unit, learningRate: rates(progress) });
      options.onProgress?.({
        phase: 'fit',
        restart: position.restart,
        restarts: options.restarts,
        done: step,
        total: totalSteps,
      });
      if (isRecordStep(step, totalSteps, options.records)) {
        const made = await record();
        stopping = nextStopping(stopping, made.loss.lq, progress, options);
        await afterRecord(made, { restart: position.restart, step, stopping });
        if (stopped()) return step;
      }
      if (step === totalSteps) break;
    }
    if (step > before) continue;
    throw new DdclError(
      'data',
      `A pass over the tokens gave fewer than the ${statistics.tokens} of the first one. Each pass must give the same tokens.`,
    );
  }
  return step;
}

function nextStopping(
  state: StoppingState,
  lq: number,
  progress: number,
  { earlyStop, anneal }: ResolvedFitOptions,
): StoppingState {
  // While it cools, L_q falls because T does: that says nothing about convergence.
  if (earlyStop === undefined || (anneal && progress < coolingShare)) return { lowest: null, waited: 0 };
  const improved = state.lowest === null || lq < state.lowest * (1 - (earlyStop.minImprovement ?? 1e-4));
  return improved ? { lowest: lq, waited: 0 } : { lowest: state.lowest, waited: state.waited + 1 };
}

/** Framed prototypes rounded to what a model file holds: absolute numbers of the fit's dtype. */
export function roundToModel(
  framed: ArrayLike<number>,
  context: Pick<FitContext, 'statistics' | 'options'>,
): Float64Array {
  return Float64Array.from(asDType(fromFrame(framed, context.statistics.frame), context.options.dtype));
}

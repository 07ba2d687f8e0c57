import type { Backend } from '../backend/contract.ts';
import { fromFrame } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { throwIfAborted } from '../abort/abort-signal.ts';
import { turnGiver } from '../abort/turns.ts';
import { otherTokens } from '../pass/resident-tokens.ts';
import { constantSchedule } from '../optimise/schedule.ts';
import type { Random } from '../random/random.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import type { PassOrder, TokenSource } from '../tokens/token-source.ts';
import type { StoppingState } from './checkpoint.ts';
import type { HistoryRecord } from './history.ts';
import type { ResolvedFitOptions } from './options.ts';
import type { PrototypeRelocation } from './relocate-prototypes.ts';
import { rateSchedule, temperatureSchedule, type StepPlan } from './schedule.ts';
import type { StepBlock, StepTokens } from './step-tokens.ts';
import type { Stepper } from './stepper.ts';
import type { WatchedSample } from './watched-sample.ts';

/** What all restarts of a fit share. */
export interface FitContext {
  readonly backend: Backend;
  readonly source: TokenSource;
  readonly tokens: StepTokens;
  readonly options: ResolvedFitOptions;
  readonly statistics: TokenStatistics;
  /** The final temperature, in the tokens' units squared. */
  readonly temperature: number;
  readonly plan: StepPlan;
  readonly stepper: Stepper;
  readonly relocation: PrototypeRelocation;
  /** A fixed sample of tokens on the device, on which history records are measured. */
  readonly watched: WatchedSample;
  readonly random: Random;
}

/** Where a restart begins or goes on; the stepper holds the matching prototypes. */
export interface RestartPosition {
  readonly restart: number;
  /** Steps and passes made. */
  readonly step: number;
  readonly stopping: StoppingState;
}

/** Called after each history record, with the position after it and the prototypes [K, m] in the tokens' units. */
export type AfterRecord = (record: HistoryRecord, position: RestartPosition, prototypes: Float64Array) => Promise<void>;

/** Runs one restart from a position to its end: annealed steps, then passes over all tokens until L_q no longer falls. */
export async function runRestart(
  context: FitContext,
  position: RestartPosition,
  afterRecord: AfterRecord,
): Promise<void> {
  const { options, statistics, plan, stepper, tokens, random } = context;
  const { restart } = position;
  const { annealing, totalSteps, stepsPerEpoch, batchRows, partialBlocks } = plan;
  const cooling = temperatureSchedule(context.temperature, statistics.criticalTemperature, options.anneal, restart);
  const { learningRate, optimizer } = options;
  const rates = options.constantRate ? constantSchedule(learningRate) : rateSchedule(learningRate, optimizer);
  const own = random.fork(`restart ${restart}`);
  const orderOf = (name: string): PassOrder =>
    // A step over all tokens does not depend on their order.
    options.shuffle && stepsPerEpoch > 1 ? { seed: own.fork(name).integer(2 ** 48) } : 'stored';
  const turn = turnGiver();
  const records = options.records ?? recordsOf(annealing);
  let { step, stopping } = position;
  let hard: number | undefined;

  const settings = (): { temperature: number; learningRate: number } => {
    if (step > annealing) return { temperature: cooling(1), learningRate: 1 };
    const progress = annealing === 1 ? 1 : (step - 1) / (annealing - 1);
    return { temperature: cooling(progress), learningRate: rates(progress) };
  };
  const visits = (made: number): number => visitsOf(context, made);
  const tell = (extra = 0): void => tellRestarts(context, restart, visits(step) + extra, hard);

  const record = async (): Promise<void> => {
    const now = settings();
    const measured = await context.watched.measure(await stepper.prototypes(), now.temperature);
    const { weight: _weight, shares: _shares, prototypes, ...quantities } = measured;
    hard = quantities.loss.hard;
    const made = { restart, step, epoch: visits(step) / statistics.tokens, ...now, ...quantities };
    await afterRecord(made, { restart, step, stopping }, prototypes);
  };
  const take = async (blocks: readonly StepBlock[] | AsyncIterable<StepBlock>): Promise<void> => {
    await turn();
    throwIfAborted(options.signal);
    if (plan.relocations.includes(step)) await context.relocation.run(stepper, plan.rounds);
    step++;
    const { temperature, learningRate: rate } = settings();
    await stepper.step(blocks, { temperature: temperature / statistics.frame.scale ** 2, learningRate: rate });
    tell();
  };

  while (step < annealing) {
    const epoch = Math.floor(step / stepsPerEpoch);
    let next = epoch * stepsPerEpoch;
    const isWhole = next + stepsPerEpoch <= annealing;
    let passed = 0;
    for await (const group of tokens.epoch(orderOf(`epoch ${epoch}`))) {
      passed += group.reduce((rows, block) => rows + block.rows, 0);
      if (passed > statistics.tokens) throw otherTokens('more', statistics.tokens);
      if (next++ < step) continue;
      await take(group);
      if (isRecordStep(step, annealing, records)) await record();
      // After a whole one nothing more may come.
      if (step === annealing && !isWhole) break;
    }
    if ((step < annealing || isWhole) && passed < statistics.tokens) throw otherTokens('fewer', statistics.tokens);
  }

  async function* pass(most: number): AsyncGenerator<StepBlock> {
    let blocks = 0;
    let passed = 0;
    // What is not all of them should be a random part; all of them are read quickest as they are stored.
    for await (const block of tokens.all(most === Infinity ? 'stored' : orderOf(`pass ${step}`))) {
      yield block;
      passed += block.rows;
      await turn();
      throwIfAborted(options.signal);
      if (++blocks === most) return;
      if (passed >= batchRows) tell(passed - statistics.tokens);
    }
    if (passed !== statistics.tokens)
      throw otherTokens(passed < statistics.tokens ? 'fewer' : 'more', statistics.tokens);
  }
  const lastRelocation = plan.relocations.at(-1) ?? annealing;
  while (step < totalSteps && !stopping.isDone) {
    await take(pass(step < lastRelocation ? partialBlocks : Infinity));
    const lq = await stepper.lq();
    // What a pass gains is known when the next one has measured where it came to.
    const isSettled = step - 1 > lastRelocation && stopping.lq !== null;
    stopping = { lq, isDone: isSettled && stopping.lq! - lq < options.refinement.tolerance * lq };
    await record();
  }
}

/** Tokens passed after `made` steps of a restart, all passes taken for whole ones. */
const visitsOf = ({ plan: { annealing, stepsPerEpoch }, statistics }: FitContext, made: number): number =>
  (Math.min(made, annealing) / stepsPerEpoch + Math.max(0, made - annealing)) * statistics.tokens;

/** Tells where all restarts together stand, measurements that compare them included, from the tokens passed in this one. */
function tellRestarts(context: FitContext, restart: number, passed: number, hard?: number): void {
  const { options, plan, statistics } = context;
  const { restarts } = options;
  const each = visitsOf(context, plan.totalSteps) + (restarts > 1 ? statistics.tokens : 0);
  const [done, total] = [Math.round(restart * each + passed), Math.round(restarts * each)];
  options.onProgress?.({ phase: 'fit', restart, restarts, done, total, hard });
}

/** Tells how far the measurement at the end of a restart is. */
export const tellMeasured = (context: FitContext, restart: number, tokens: number): void =>
  tellRestarts(context, restart, visitsOf(context, context.plan.totalSteps) + tokens);

/** Few for the usual number of steps, since each costs as much as one; more for many, at which checkpoints are offered too. */
const recordsOf = (annealing: number): number => Math.min(100, Math.max(12, Math.round(annealing / 20)));

/** Steps after which a history record is made: the first, the last, and about `records` in between. */
function isRecordStep(step: number, total: number, records: number): boolean {
  return step === total || step === 1 || step % Math.max(1, Math.round(total / records)) === 0;
}

/** Framed prototypes rounded to what a model file holds: absolute numbers of the fit's dtype. */
export function roundToModel(
  framed: ArrayLike<number>,
  context: Pick<FitContext, 'statistics' | 'options'>,
): Float64Array {
  return Float64Array.from(asDType(fromFrame(framed, context.statistics.frame), context.options.dtype));
}

import { inTurns } from '../abort/turns.ts';
import { toFrame } from '../measure/prototype-state.ts';
import { initializeInPieces } from '../initialize/initialize.ts';
import type { DdclModel } from '../model/model.ts';
import { checkpointToBytes, type BestRestart, type FitCheckpoint } from './checkpoint.ts';
import { measureRestart, type Measured } from './final-model.ts';
import type { HistoryRecord } from './history.ts';
import { roundToModel, runRestart, type FitContext, type RestartPosition } from './restart.ts';

/** What restarts leave. */
export interface Restarts {
  readonly best: BestRestart;
  /** Its measurement on all tokens, where restarts were compared by it; not what was measured before a resume. */
  readonly measured: Measured | undefined;
  readonly history: readonly HistoryRecord[];
  readonly errors: readonly number[];
}

/** Runs restarts, from a checkpoint on if there is one, and keeps the best. */
export async function runRestarts(
  context: FitContext,
  own: Pick<FitCheckpoint, 'identity' | 'tokens'>,
  found: FitCheckpoint | undefined,
): Promise<Restarts> {
  const { options, stepper, statistics, source } = context;
  const shape = [options.prototypes, source.dimension] as const;
  const history = [...(found?.history ?? [])];
  const errors = [...(found?.finished ?? [])];
  let best = found?.best;
  let measured: Measured | undefined;

  const offer = async (position: RestartPosition, withState: boolean): Promise<void> => {
    await options.onCheckpoint?.(async () =>
      checkpointToBytes({
        ...own,
        ...position,
        finished: errors,
        history,
        best,
        dtype: options.dtype,
        state: withState ? await stepper.read() : [],
        shape,
      }),
    );
  };

  for (let restart = found?.restart ?? 0; restart < options.restarts; restart++) {
    let position: RestartPosition = { restart, step: 0, stopping: { lq: null, isDone: false } };
    if (found !== undefined && found.restart === restart && found.state.length > 0) {
      position = { restart, step: found.step, stopping: found.stopping };
      await stepper.write(found.state[0]!, found.step, found.state.slice(1));
    } else {
      await stepper.write(toFrame(await startingPrototypes(context, restart), statistics.frame), 0);
    }
    await runRestart(context, position, async (record, after, prototypes) => {
      history.push(record);
      options.onRecord?.(record, prototypes);
      await offer(after, true);
    });
    const [framed] = await stepper.read();
    const prototypes = Float64Array.from(framed!);
    const candidate = { restart, hard: 0, prototypes };
    const made =
      options.restarts === 1 ? undefined : await measureRestart(context, makeModel(context, candidate), restart);
    const hard = made?.quantities.loss.hard ?? 0;
    errors.push(hard);
    if (best === undefined || hard < best.hard) {
      best = { restart, hard, prototypes };
      measured = made;
    }
    await offer({ restart: restart + 1, step: 0, stopping: { lq: null, isDone: false } }, false);
  }
  return { best: best!, measured, history, errors };
}

function startingPrototypes(
  { options, statistics, source, random }: FitContext,
  restart: number,
): Promise<Float64Array> {
  const start = initializeInPieces({
    count: options.prototypes,
    dimension: source.dimension,
    sample: statistics.sample.rows,
    mean: statistics.mean,
    random: random.fork(`start ${restart}`),
    start: options.start,
  });
  return inTurns(start, options.signal);
}

/** The model of prototypes in the fit's frame. */
export function makeModel(context: FitContext, { prototypes }: BestRestart): DdclModel {
  const { options, statistics, source, temperature } = context;
  return {
    count: options.prototypes,
    dimension: source.dimension,
    dtype: options.dtype,
    prototypes: roundToModel(prototypes, context),
    temperature,
    criticalTemperature: statistics.criticalTemperature,
    offset: statistics.frame.offset,
    scale: statistics.frame.scale,
    totalVariance: statistics.totalVariance,
  };
}

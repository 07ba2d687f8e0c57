import { asDType } from '../numbers/as-dtype.ts';
import { measurePass, measureSource } from '../measure/measure-source.ts';
import type { MeasuredQuantities } from '../measure/measure.ts';
import { modelState, type DdclModel } from '../model/model.ts';
import { settlePrototypes } from '../stability/settle-prototypes.ts';
import { tellMeasured, type FitContext } from './restart.ts';

/** What is known of a restart's model on all tokens. */
export interface Measured {
  readonly quantities: MeasuredQuantities;
  /** Nearest prototypes of all tokens, if they are wanted. */
  readonly codes: readonly Int32Array[];
}

/** The model in the minimum that it is near; as it was where assignments are so soft that it cannot be taken there. */
export async function settled(
  { backend, source, statistics, options }: FitContext,
  model: DdclModel,
  onStep: (step: number) => void,
): Promise<DdclModel> {
  const { signal, onWarning, dtype } = options;
  const found = await settlePrototypes(backend, source, statistics.tokens, modelState(model), { signal, onStep });
  if (found === undefined || !found.settled) {
    onWarning?.(
      found === undefined
        ? 'The prototypes could not be settled: most tokens are shared by several, or they are too many. More passes (refinement) come nearer to rest.'
        : `The prototypes are not settled after ${found.steps} steps: one more would take ${(100 * found.decrease).toPrecision(2)} % off L_q.`,
    );
  }
  return found === undefined ? model : { ...model, prototypes: Float64Array.from(asDType(found.prototypes, dtype)) };
}

/** The measurement of a restart that may be the one that is kept, with all that is asked of the last one. */
export async function measureRestart(context: FitContext, model: DdclModel, restart: number): Promise<Measured> {
  const codes: Int32Array[] = [];
  const keep = context.options.onCodes && ((some: Int32Array) => void codes.push(some));
  const tell = (done: number): void => tellMeasured(context, restart, done);
  return { quantities: await measureAll(context, model, tell, keep), codes };
}

/** The measurement of the model that is kept. */
export function finalMeasurement(context: FitContext, model: DdclModel, restart: number): Promise<MeasuredQuantities> {
  const { options, statistics } = context;
  const [phase, total] = ['measure', statistics.tokens] as const;
  const tell = (done: number): void =>
    options.onProgress?.({ phase, restart, restarts: options.restarts, done, total });
  return measureAll(context, model, tell, options.onCodes);
}

async function measureAll(
  { backend, source, tokens: { resident }, options, statistics }: FitContext,
  model: DdclModel,
  onProgress: (tokens: number) => void,
  onCodes?: (codes: Int32Array) => void,
): Promise<MeasuredQuantities> {
  const codes = new Int32Array(resident === undefined || onCodes === undefined ? 0 : statistics.tokens);
  let place = 0;
  const collect = (some: Int32Array): void => {
    codes.set(some, place);
    place += some.length;
  };
  const request = {
    totalVariance: statistics.totalVariance,
    signal: options.signal,
    onCodes: resident === undefined || onCodes === undefined ? onCodes : collect,
    onProgress,
  } as const;
  const state = modelState(model);
  if (resident === undefined) return measureSource(backend, source, state, { tokens: statistics.tokens, ...request });
  const quantities = await measurePass(resident, state, request);
  onCodes?.(resident.inStoredOrder(codes));
  return quantities;
}

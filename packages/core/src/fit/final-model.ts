import { asDType } from '../numbers/as-dtype.ts';
import { measurePass, measureSource } from '../measure/measure-source.ts';
import type { MeasuredQuantities } from '../measure/measure.ts';
import { modelState, type DdclModel } from '../model/model.ts';
import {
  defaultSettleTolerance,
  settleOver,
  settlePrototypes,
  type SettledPrototypes,
} from '../stability/settle-prototypes.ts';
import type { Stability } from '../stability/stability.ts';
import { tellMeasured, type FitContext } from './restart.ts';

/** What is known of a restart's model on all tokens. */
export interface Measured {
  readonly quantities: MeasuredQuantities;
  /** Nearest prototypes of all tokens, if they are wanted. */
  readonly codes: readonly Int32Array[];
}

/** A model with its certificate. */
export interface CertifiedModel {
  readonly model: DdclModel;
  readonly stability: Stability;
}

/** Saddle points that are left at most, and how far from one, in units of sqrt(T). */
const [mostPushes, pushLength] = [6, 0.1];
/** Share of the tolerance that is asked for then: near a saddle point there is little to gain from a step. */
const pushedTolerance = 0.01;

/**
 * The model in the minimum that it is near; as it was where assignments are so soft that it cannot be taken there. Where it comes to rest
 * on a saddle point, it is pushed along the direction in which L_q falls, and goes on.
 */
export async function settled(
  { backend, source, statistics, options, tokens: { resident } }: FitContext,
  given: DdclModel,
  certify: (model: DdclModel) => Promise<Stability>,
  onStep: (step: number) => void,
): Promise<CertifiedModel> {
  const { signal, onWarning, dtype } = options;
  const place = (model: DdclModel, prototypes: Float64Array): DdclModel => ({
    ...model,
    prototypes: Float64Array.from(asDType(prototypes, dtype)),
  });
  const settle = async (
    model: DdclModel,
    before: number,
    tolerance: number,
  ): Promise<SettledPrototypes | undefined> => {
    const own = { tolerance, signal, onStep: (step: number) => onStep(before + step) };
    const state = modelState(model);
    return resident === undefined
      ? settlePrototypes(backend, source, statistics.tokens, state, own)
      : settleOver(resident, (some) => resident.vectorsOf(some), state, own);
  };
  const first = await settle(given, 0, defaultSettleTolerance);
  if (first === undefined) {
    onWarning?.(
      'The prototypes could not be settled: most tokens are shared by several, or they are too many. More passes (refinement) come nearer to rest.',
    );
    return { model: given, stability: await certify(given) };
  }
  let [found, steps] = [first, first.steps];
  for (let pushes = 0; ; pushes++) {
    const model = place(given, found.prototypes);
    const stability = await certify(model);
    const { curvature, weakest } = stability;
    const isDone = !found.settled || curvature.smallest > 0 || weakest.kind === 'unused' || pushes === mostPushes;
    const length = pushLength * Math.sqrt(model.temperature);
    const pushed = model.prototypes.map((x, index) => x + length * weakest.direction[index]!);
    const next = isDone
      ? undefined
      : await settle(place(model, pushed), steps, pushedTolerance * defaultSettleTolerance);
    if (next === undefined) {
      if (!found.settled)
        onWarning?.(
          `The prototypes are not settled after ${steps} steps: one more would take ${(100 * found.decrease).toPrecision(2)} % off L_q.`,
        );
      else if (!(curvature.smallest > 0) && weakest.kind !== 'unused')
        onWarning?.(
          `The prototypes came to rest on a saddle point of L_q ${pushes + 1} times in ${steps} steps, and stay there.`,
        );
      return { model, stability };
    }
    [found, steps] = [next, steps + next.steps];
  }
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

import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import type { Backend } from '../backend/contract.ts';
import { fromFrame, prototypeState, toFrame, type PrototypeState } from '../measure/prototype-state.ts';
import { tokenPass, type TokenPass } from '../pass/token-pass.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { nearTokenFinder, type VectorsOf } from './near-tokens.ts';
import { keepRows } from './pairs.ts';
import { prototypeSums, type PrototypeSums } from './prototype-sums.ts';
import { measureSlope, relativeDecrease } from './slope.ts';

export interface SettleOptions {
  /** Most steps; default 1000. */
  readonly steps?: number;
  /** Ends where one more step would take less than this share off L_q; default 1e-9. */
  readonly tolerance?: number;
  readonly signal?: AbortSignalLike | undefined;
  /** Called with the steps done so far. */
  readonly onStep?: ((step: number) => void) | undefined;
}

/** Where prototypes came to rest. */
export interface SettledPrototypes {
  /** [K, m], in the tokens' units. */
  readonly prototypes: Float64Array;
  readonly steps: number;
  /** What one more step would take off L_q, to first order, as a share of it. */
  readonly decrease: number;
  /** Whether that is below the tolerance, at all tokens. */
  readonly settled: boolean;
}

/** A step that would take less than this share off L_q is not made. */
export const defaultSettleTolerance = 1e-9;

/** Most steps before the tokens near boundaries are looked for anew. */
const stepsOfRound = 20;
/** Tokens are near a boundary where a prototype is at most this many T farther than the nearest one. */
const nearMargin = 30;
/** A prototype may go so many times as far as would certainly bring no other token to a boundary: vectors are seldom parallel. */
const boldness = 8;
/** Share of the prototypes that may be farther before a round ends. */
const farShare = 0.05;
/** Share of the way to the fixed point that a step goes at most, and of the last step that it keeps. */
const [mostRate, momentum] = [1, 0.7];

/** How prototypes move, in the frame. */
interface Motion {
  /** [K, m]. */
  readonly places: Float64Array;
  /** The last step of each, [K, m]. */
  readonly velocity: Float64Array;
  /** Of L_q, summed over tokens, [K, m]. */
  readonly gradient: Float64Array;
  /** The share of its way that each goes, [K]. */
  readonly rates: Float64Array;
}

/**
 * Takes prototypes that are near a minimum of L_q into it, at their temperature: steps to the fixed point `p - gradient / (2 mass)` with
 * momentum. The sums over all tokens are kept, and only those near boundaries are looked at again, on the host; a pass of the backend finds
 * out anew who they are as soon as prototypes have gone far. Steps without momentum end in a cycle where a boundary bends L_q upwards, and
 * take hundreds of passes where it bends it down.
 *
 * At a saddle point, such as two prototypes on one point that want to part, there is no step to make: the certificate has a negative
 * eigenvalue there, and its `weakest.direction` leads away, as a fit with `settle` goes.
 *
 * @returns undefined where assignments are so soft that tokens are near many prototypes each, or those near boundaries are too many; there plain steps do
 */
export async function settlePrototypes(
  backend: Backend,
  source: TokenSource,
  tokens: number,
  given: PrototypeState,
  options: SettleOptions = {},
): Promise<SettledPrototypes | undefined> {
  const { dtype, frame, count } = given;
  const pass = tokenPass(backend, source, { dtype, frame, width: count, tokens, repeated: true });
  try {
    const state = given.within(pass.frame);
    return await settleOver(pass, (some) => keepRows(source, state, some, options.signal), state, options);
  } finally {
    pass.dispose();
  }
}

/** {@link settlePrototypes} on the tokens of a pass, wherever they are. */
export async function settleOver(
  pass: TokenPass,
  vectorsOf: VectorsOf,
  given: PrototypeState,
  { steps = 1000, tolerance = defaultSettleTolerance, signal, onStep }: SettleOptions = {},
): Promise<SettledPrototypes | undefined> {
  const { dtype, count, dimension } = given;
  let state = given.within(pass.frame);
  const slope = (await measureSlope(pass, state, signal))!;
  const rest = { prototypes: state.absolute, steps: 0, decrease: slope.decrease, settled: true };
  if (slope.decrease <= tolerance) return rest;
  const temperature = state.temperature / state.frame.scale ** 2;
  const margin = nearMargin * temperature;
  const find = await nearTokenFinder(pass, vectorsOf, state, margin);
  const places = toFrame(state.absolute, state.frame);
  const [velocity, gradient] = [new Float64Array(places.length), new Float64Array(places.length)];
  const motion = { places, velocity, gradient, rates: new Float64Array(count).fill(mostRate) };
  const far = (boldness * margin) / (2 * Math.sqrt(slope.loss / slope.weight));

  let near = await find(state, undefined, signal);
  if (near === undefined) return undefined;
  const sums = prototypeSums(near, places, slope, temperature);
  for (let done = 0; ;) {
    let decrease = slopeAt(sums, motion, slope.loss);
    const settled = decrease <= tolerance;
    if (settled || done >= steps) return { prototypes: state.absolute, steps: done, decrease, settled };
    const paths = new Float64Array(count);
    for (const end = Math.min(steps, done + stepsOfRound); done < end && decrease > tolerance;) {
      throwIfAborted(signal);
      step(sums, motion, paths);
      sums.follow(places, paths);
      done++;
      onStep?.(done);
      if (paths.filter((path) => path > far).length > farShare * count) break;
      if (done < end) decrease = slopeAt(sums, motion, slope.loss);
    }
    state = prototypeState(fromFrame(places, state.frame), dimension, state.temperature, state.frame, dtype);
    near = await find(state, near, signal);
    if (near === undefined) return undefined;
    sums.list(near, places);
  }
}

/** The gradient, and the relative decrease that a step is about to make. What goes uphill went too far: from rest again, and slower. */
function slopeAt({ mass, pull, moved }: PrototypeSums, motion: Motion, loss: number): number {
  const { places, velocity, gradient, rates } = motion;
  const dimension = places.length / mass.length;
  for (let k = 0; k < mass.length; k++) {
    const [start, end] = [k * dimension, (k + 1) * dimension];
    let climb = 0;
    for (let index = start; index < end; index++) {
      gradient[index] = 2 * (moved[index]! + pull[k]! * places[index]!);
      climb += gradient[index]! * velocity[index]!;
    }
    if (climb > 0) velocity.fill(0, start, end);
    rates[k] = climb > 0 ? rates[k]! / 2 : Math.min(mostRate, 1.1 * rates[k]!);
  }
  return relativeDecrease(gradient, mass, loss);
}

/** @param paths what each prototype goes is added, [K] */
function step({ mass }: PrototypeSums, { places, velocity, gradient, rates }: Motion, paths: Float64Array): void {
  const dimension = places.length / mass.length;
  for (let k = 0; k < mass.length; k++) {
    const share = rates[k]! / (2 * mass[k]!);
    let squares = 0;
    for (let index = k * dimension; index < (k + 1) * dimension; index++) {
      const own = momentum * velocity[index]! - share * gradient[index]!;
      velocity[index] = own;
      places[index]! += own;
      squares += own * own;
    }
    paths[k]! += Math.sqrt(squares);
  }
}

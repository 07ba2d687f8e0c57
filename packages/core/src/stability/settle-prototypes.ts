import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import type { Backend } from '../backend/contract.ts';
import { squaredDistance } from '../linalg/squared-distance.ts';
import { fromFrame, prototypeState, toFrame, type PrototypeState } from '../measure/prototype-state.ts';
import { tokenPass } from '../pass/token-pass.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { findBoundaryTokens, type BoundaryTokens } from './boundary-tokens.ts';
import { assignPairs } from './pairs.ts';
import { subtractScaled } from './part-vectors.ts';
import { relativeDecrease } from './slope.ts';

export interface SettleOptions {
  /** Most steps; default 240. */
  readonly steps?: number;
  /** Ends where one more step would take less than this share off L_q; default 1e-10. */
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

/** Steps before boundary tokens are looked for anew, if prototypes do not move that far before. */
const stepsOfRound = 40;
/** Pairs count where q is above e^-20: tokens that may come to a boundary within a round. */
const leastShare = 2e-9;
/** Share of the way to the fixed point that a step goes at most, and of the last step that it keeps. */
const [mostRate, momentum] = [0.5, 0.9];

/** How prototypes move: the last step of each [K, m], and its share of the way [K]. */
interface Motion {
  readonly velocity: Float64Array;
  readonly rates: Float64Array;
}

/**
 * Takes prototypes that are near a minimum of L_q into it, at their temperature: steps to the fixed point `p - gradient / (2 mass)` with
 * momentum, over the boundary tokens alone, for the others stay where they are. Steps without momentum end in a cycle where a boundary bends
 * L_q upwards, and take hundreds of passes where it bends it down.
 *
 * @returns undefined where assignments are so soft that most tokens are on boundaries; there plain steps do
 */
export async function settlePrototypes(
  backend: Backend,
  source: TokenSource,
  tokens: number,
  given: PrototypeState,
  { steps = 240, tolerance = 1e-10, signal, onStep }: SettleOptions = {},
): Promise<SettledPrototypes | undefined> {
  const { dtype, frame, count: width } = given;
  const pass = tokenPass(backend, source, { dtype, frame, width, tokens });
  try {
    let state = given.within(pass.frame);
    const motion = { velocity: new Float64Array(state.absolute.length), rates: new Float64Array(width).fill(mostRate) };
    for (let done = 0; ;) {
      const found = await findBoundaryTokens(pass, source, state, signal, leastShare);
      if (found === undefined) return undefined;
      const { decrease } = found.slope;
      const settled = decrease <= tolerance;
      if (settled || done >= steps) return { prototypes: state.absolute, steps: done, decrease, settled };
      const step = stepsOver(found, state, motion);
      const start = toFrame(state.absolute, state.frame);
      const places = start.slice();
      // A move of x changes the distance of a token at r by 2 r x at most, and mostly by far less: beyond it others may have come to a boundary.
      const { loss, weight } = found.slope;
      const margin = (-Math.log(leastShare) * state.temperature) / state.frame.scale ** 2;
      const reach = margin / Math.sqrt(loss / weight);
      for (const end = Math.min(steps, done + stepsOfRound); done < end;) {
        throwIfAborted(signal);
        const left = step(places);
        done++;
        onStep?.(done);
        if (left <= tolerance / 10 || farthest(places, start, state.dimension) > reach) break;
      }
      state = prototypeState(fromFrame(places, state.frame), state.dimension, state.temperature, state.frame, dtype);
    }
  } finally {
    pass.dispose();
  }
}

/** The largest distance between the same rows of two matrices. */
function farthest(a: Float64Array, b: Float64Array, dimension: number): number {
  let most = 0;
  for (let from = 0; from < a.length; from += dimension)
    most = Math.max(most, squaredDistance(a, from, b, from, dimension));
  return Math.sqrt(most);
}

/** A step of places [K, m] in the frame, which returns the relative decrease that it was about to make. */
function stepsOver(
  { vectors, weights, sole, slope, ...pairs }: BoundaryTokens,
  state: PrototypeState,
  { velocity, rates }: Motion,
): (places: Float64Array) => number {
  const { dimension, frame } = state;
  const temperature = state.temperature / frame.scale ** 2;
  const { starts, prototypes, q, w } = pairs;
  /** `sum a q`, `sum a w` and minus `sum a w z`, of the boundary tokens added to some. */
  const add = (mass: Float64Array, pull: Float64Array, moved: Float64Array): void => {
    for (let token = 0; token < weights.length; token++) {
      for (let pair = starts[token]!; pair < starts[token + 1]!; pair++) {
        if (q[pair]! < leastShare) continue;
        const k = prototypes[pair]!;
        mass[k]! += weights[token]! * q[pair]!;
        pull[k]! += weights[token]! * w[pair]!;
        subtractScaled(moved, k * dimension, weights[token]! * w[pair]!, vectors, token * dimension, dimension);
      }
    }
  };
  // The gradient of all tokens says what those add that are not kept: gradient / 2 = (sum a w) p - sum a w z.
  const still = new Float64Array(velocity.length);
  const here = toFrame(state.absolute, frame);
  const pulls = sole.slice();
  add(sole.slice(), pulls, still);
  for (let index = 0; index < still.length; index++)
    still[index] = slope.gradient[index]! / 2 - pulls[Math.floor(index / dimension)]! * here[index]! - still[index]!;

  return (places) => {
    assignPairs(pairs, vectors, places, temperature);
    const [mass, pull, gradient] = [sole.slice(), sole.slice(), still.slice()];
    add(mass, pull, gradient);
    for (let k = 0; k < mass.length; k++) mass[k] = Math.max(mass[k]!, 1e-12 * slope.weight);
    for (let k = 0; k < mass.length; k++) {
      const own = [k * dimension, (k + 1) * dimension] as const;
      let climb = 0;
      for (let index = own[0]; index < own[1]; index++) {
        gradient[index] = 2 * (gradient[index]! + pull[k]! * places[index]!);
        climb += gradient[index]! * velocity[index]!;
      }
      // What goes uphill went too far: from rest again, and slower.
      if (climb > 0) velocity.fill(0, ...own);
      rates[k] = climb > 0 ? rates[k]! / 2 : Math.min(mostRate, 1.1 * rates[k]!);
      for (let index = own[0]; index < own[1]; index++) {
        velocity[index] = momentum * velocity[index]! - (rates[k]! * gradient[index]!) / (2 * mass[k]!);
        places[index]! += velocity[index]!;
      }
    }
    return relativeDecrease(gradient, mass, slope.loss);
  };
}

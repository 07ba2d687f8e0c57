import { throwIfAborted } from '../abort/abort-signal.ts';
import { lanczos, type LanczosResult } from '../linalg/lanczos.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';
import type { HessianProduct } from './device-hessian.ts';
import type { MeasureStabilityOptions } from './measure-stability.ts';
import type { Slope } from './slope.ts';
import { weakestPrototypes, type WeakestPrototypes } from './weakest-prototypes.ts';

/** The stability of prototypes at their place (docs/math.md section 4), per unit of token weight. */
export interface Stability {
  /** Tokens that it was measured on: those of them with a weight > 0. */
  readonly tokens: number;
  /** Whether these are a sample of the tokens of the fit. With fewer tokens in each cell, one that lies between two weighs more: a negative eigenvalue says little. */
  readonly sampled: boolean;
  /**
   * Smallest eigenvalue of the Hessian of the mean L_q; > 0 at a stable stationary point. It has no unit. Where `converged` is false it
   * is an upper bound, of the right sign as long as that of `curvature.smallest` is.
   */
  readonly lambdaMin: number;
  /** Largest eigenvalue. */
  readonly lambdaMax: number;
  /** `2 / lambdaMax`: plain gradient descent on the mean loss is stable below it and not above; or of the divided Hessian. */
  readonly maxLearningRate: number;
  /**
   * Both ends of the spectrum of `D^-1/2 H D^-1/2`, D twice the mass of each prototype: curvature as a share of what the prototype would have
   * if its tokens were its alone. It has the signs of H, and 1 wherever tokens are undivided, whatever K. Steps `p - gradient / (2 mass)` are
   * stable where all is between 0 and 2.
   */
  readonly curvature: { readonly smallest: number; readonly largest: number };
  /** What one such step would take off L_q, to first order, as a share of it: 0 at a stationary point. */
  readonly decrease: number;
  /** Where the curvature is smallest. */
  readonly weakest: WeakestPrototypes;
  /** Hessian products that were made. */
  readonly iterations: number;
  /** Whether all four ends are within the tolerance. */
  readonly converged: boolean;
}

/** Most Hessian products of a spectrum. */
const mostProducts = 100;

/**
 * The spectrum of the Hessian by Lanczos, first preconditioned with the masses: it crowds at 1 then, so its ends are found in few products,
 * and by Sylvester's law of inertia its signs are those of H. What it finds starts the search in H itself.
 */
export async function hessianStability(
  product: HessianProduct,
  state: PrototypeState,
  { tokens, mass, decrease }: Slope,
  { random, divisor, isRough = false, signal, onIteration }: MeasureStabilityOptions,
): Promise<Stability> {
  const { dimension, dtype } = state;
  let iterations = 0;
  const apply: HessianProduct = async (direction) => {
    throwIfAborted(signal);
    const result = await product(direction);
    onIteration?.(++iterations);
    return result;
  };
  const options = {
    size: mass.length * dimension,
    random,
    maxIterations: mostProducts,
    // The error of an eigenvalue is about the square of this share of the largest one.
    tolerance: dtype === 'float64' ? 1e-6 : 1e-3,
    vectors: true,
  };
  /** Of `D^-1/2 H D^-1/2`. */
  const preconditioned = (by: Float64Array): Promise<LanczosResult> =>
    lanczos(async (vector) => divide(await apply(divide(vector, by)), by), options);

  const masses = Float64Array.from({ length: options.size }, (_, index) => 2 * mass[Math.floor(index / dimension)]!);
  const relative = await preconditioned(masses);
  const { smallest } = relative.vectors!;
  const weakest = divide(smallest, masses);
  // From the weakest direction the estimate of the smallest eigenvalue has the right sign at once; that of the largest is soon near.
  const rough = { want: 'largest', tolerance: 0.005 } as const;
  const plain = await lanczos(apply, { ...options, start: weakest, ...(isRough ? rough : {}) });
  const rate = divisor === undefined ? plain : await preconditioned(divisor);
  return {
    tokens,
    sampled: false,
    lambdaMin: plain.smallest,
    lambdaMax: plain.largest,
    maxLearningRate: 2 / rate.largest,
    curvature: { smallest: relative.smallest, largest: relative.largest },
    decrease,
    weakest: weakestPrototypes(smallest, weakest, mass, state),
    iterations,
    converged: relative.converged && plain.converged && rate.converged,
  };
}

/** `D^-1/2 v`. */
function divide(vector: Float64Array, by: Float64Array): Float64Array {
  return vector.map((value, index) => value / Math.sqrt(by[index]!));
}

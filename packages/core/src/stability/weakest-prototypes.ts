import { norm } from '../linalg/vector.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';

/** The prototypes that the direction of smallest curvature moves. */
export interface WeakestPrototypes {
  /** Unit vector, [K m]: where the curvature is negative, L_q falls along it, forwards and backwards. */
  readonly direction: Float64Array;
  /** Those with a tenth of the motion or more, in units of their mass; largest first. */
  readonly prototypes: readonly number[];
  /**
   * `unused`: the first has no tokens, so that nothing holds it. `merged`: two of them lie within sqrt(T) of each other, and the direction takes them apart or together. `boundary`: they are apart and the tokens
   * between them decide: where the curvature is negative, some lie so evenly between them that they would rather belong to either.
   */
  readonly kind: 'unused' | 'merged' | 'boundary';
}

/**
 * @param relative unit eigenvector of the preconditioned Hessian
 * @param direction the same in the space of the prototypes, of any length
 * @param mass share of the tokens that each prototype has, [K]
 */
export function weakestPrototypes(
  relative: Float64Array,
  direction: Float64Array,
  mass: Float64Array,
  { absolute, count, dimension, temperature }: PrototypeState,
): WeakestPrototypes {
  const shares = new Float64Array(count);
  relative.forEach((value, index) => (shares[Math.floor(index / dimension)]! += value ** 2));
  const order = Array.from(shares, (_, k) => k).sort((a, b) => shares[b]! - shares[a]!);
  const [first, second] = order as [number, number | undefined];
  let between = Infinity;
  if (second !== undefined && shares[second]! >= leastShare) {
    between = 0;
    for (let axis = 0; axis < dimension; axis++)
      between += (absolute[first * dimension + axis]! - absolute[second * dimension + axis]!) ** 2;
  }
  const length = norm(direction);
  return {
    direction: direction.map((value) => value / length),
    prototypes: order.filter((k) => shares[k]! >= leastShare),
    kind: mass[first]! * count < 1e-6 ? 'unused' : between < temperature ? 'merged' : 'boundary',
  };
}

const leastShare = 0.1;

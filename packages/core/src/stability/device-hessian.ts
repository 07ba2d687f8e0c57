import { assign } from '../ddcl/assign.ts';
import { hessianProduct } from '../ddcl/hessian-product.ts';
import { lossAndGradient } from '../ddcl/loss.ts';
import type { AbortSignalLike } from '../abort/abort-signal.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { tokenProgram, type TokenProgram } from '../pass/token-program.ts';
import type { TokenPass } from '../pass/token-pass.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { tensorType } from '../program/tensor-type.ts';

/** Products with a Hessian of the mean L_q, [K m] to [K m]. */
export type HessianProduct = (direction: Float64Array) => Promise<Float64Array>;

const parametersOf = ({ count, dimension, dtype }: PrototypeState) =>
  [tensorType(dtype, [count, dimension]), tensorType(dtype, [])] as const;

/** Products on the backend, a pass over all tokens each: for assignments that are soft everywhere. */
export async function deviceHessian(
  pass: TokenPass,
  state: PrototypeState,
  signal: AbortSignalLike | undefined,
): Promise<HessianProduct> {
  const { count, dimension, dtype } = state;
  const [matrix, temperatureType] = parametersOf(state);
  const program: TokenProgram = tokenProgram(
    'hessianProduct',
    [matrix, temperatureType, matrix],
    (tokens, weights, prototypes, temperature, direction) => ({
      sums: [hessianProduct({ tokens, weights, prototypes, temperature }, direction)],
    }),
  );
  const product = await pass.compile(program);
  const inputs = state.inputs();
  return async (direction) => {
    const along = [{ dtype, shape: [count, dimension] }, asDType(direction, dtype)] as const;
    const { sums, weight } = await product.sum([...inputs, along], { signal });
    return sums[0]!.map((value) => value / weight);
  };
}

/** What scales the Hessian, and how far prototypes are from where they would rest; per unit of token weight. */
export interface Slope {
  /** `sum_n a_n q_nk / sum_n a_n`, [K]. */
  readonly mass: Float64Array;
  /** What a step of each prototype to `p - gradient / (2 mass)` would take off L_q, to first order, as a share of L_q. */
  readonly decrease: number;
}

/** One pass. */
export async function measureSlope(
  pass: TokenPass,
  state: PrototypeState,
  signal: AbortSignalLike | undefined,
): Promise<Slope> {
  const program = await pass.compile(
    tokenProgram('slope', parametersOf(state), (tokens, weights, prototypes, temperature) => {
      const { lq, gradient } = lossAndGradient({ tokens, weights, prototypes, temperature });
      const row = reshape(weights, [1, weights.shape[0]!]);
      const mass = matmul(row, assign({ tokens, prototypes, temperature }));
      return { sums: [lq, gradient, reshape(mass, [state.count])] };
    }),
  );
  const { sums, weight } = await program.sum(state.inputs(), { signal });
  const [loss, gradient, masses] = sums as readonly [Float64Array, Float64Array, Float64Array];
  let decrease = 0;
  for (let index = 0; index < gradient.length; index++)
    decrease += gradient[index]! ** 2 / (4 * safe(masses[Math.floor(index / state.dimension)]!));
  return { mass: masses.map((own) => safe(own) / weight), decrease: loss[0]! > 0 ? decrease / loss[0]! : 0 };
}

/** A prototype without tokens has neither mass nor gradient. */
const safe = (mass: number): number => Math.max(mass, 1e-12);

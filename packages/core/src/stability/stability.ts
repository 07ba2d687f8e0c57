import { hessianProduct } from '../ddcl/hessian-product.ts';
import { lanczos } from '../linalg/lanczos.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { tokenProgram, type TokenProgram } from '../pass/token-program.ts';
import type { TokenPass } from '../pass/token-pass.ts';
import { tensorType, type ConcreteType } from '../program/tensor-type.ts';
import type { MeasureStabilityOptions } from './measure-stability.ts';

/** The stability of prototypes at their place (docs/math.md section 4), per unit of token weight. */
export interface Stability {
  /** Smallest eigenvalue of the Hessian of the mean L_q; > 0 at a stable stationary point. */
  readonly lambdaMin: number;
  /** Largest eigenvalue. */
  readonly lambdaMax: number;
  /** `2 / lambdaMax`: plain gradient descent on the mean loss is stable below it and not above. */
  readonly maxLearningRate: number;
  /** Hessian products that were made. */
  readonly iterations: number;
  /** Whether both ends are within the tolerance. */
  readonly converged: boolean;
}

/** One Hessian product summed over tokens, of (prototypes, temperature, direction). */
function hessianProgram({ count, dimension, dtype }: PrototypeState): TokenProgram {
  const matrix = tensorType(dtype, [count, dimension]);
  return tokenProgram(
    'hessianProduct',
    [matrix, tensorType(dtype, []), matrix],
    (tokens, weights, prototypes, temperature, direction) => ({
      sums: [hessianProduct({ tokens, weights, prototypes, temperature }, direction)],
    }),
  );
}

/** Most Hessian products. */
const mostProducts = 100;

/**
 * Smallest and largest eigenvalue of the Hessian of the mean L_q with respect to the prototypes, by Lanczos on Hessian-vector
 * products; no Hessian is formed. The eigenvalues have no unit: they do not change with the tokens' scale.
 *
 * @param state in the frame of the pass
 */
export async function hessianStability(
  pass: TokenPass,
  state: PrototypeState,
  { random, divisor, signal, onIteration }: MeasureStabilityOptions,
): Promise<Stability> {
  const scaled = (vector: Float64Array): Float64Array =>
    divisor === undefined ? vector : vector.map((value, index) => value / Math.sqrt(divisor[index]!));
  const { count, dimension, dtype } = state;
  const product = await pass.compile(hessianProgram(state));
  const inputs = state.inputs();
  const type: ConcreteType = { dtype, shape: [count, dimension] };
  let iteration = 0;
  const apply = async (vector: Float64Array): Promise<Float64Array> => {
    const { sums, weight } = await product.sum([...inputs, [type, asDType(scaled(vector), dtype)]], { signal });
    onIteration?.(++iteration);
    return scaled(sums[0]!.map((value) => value / weight));
  };
  const result = await lanczos(apply, {
    size: count * dimension,
    random,
    maxIterations: mostProducts,
    // float32 products carry noise of about 1e-7 of the largest eigenvalue; finer residuals would never converge.
    tolerance: dtype === 'float64' ? 1e-6 : 1e-4,
    want: 'both',
  });
  return {
    lambdaMin: result.smallest,
    lambdaMax: result.largest,
    maxLearningRate: 2 / result.largest,
    iterations: result.iterations,
    converged: result.converged,
  };
}

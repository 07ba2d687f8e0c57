import { hessianProduct } from '../ddcl/hessian-product.ts';
import type { AbortSignalLike } from '../abort/abort-signal.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { tokenProgram, type TokenProgram } from '../pass/token-program.ts';
import type { TokenPass } from '../pass/token-pass.ts';
import { tensorType } from '../program/tensor-type.ts';

/** Products with a Hessian of the mean L_q, [K m] to [K m]. */
export type HessianProduct = (direction: Float64Array) => Promise<Float64Array>;

/** Products on the backend, a pass over all tokens each: for assignments that are soft everywhere. */
export async function deviceHessian(
  pass: TokenPass,
  state: PrototypeState,
  signal: AbortSignalLike | undefined,
): Promise<HessianProduct> {
  const { count, dimension, dtype } = state;
  const matrix = tensorType(dtype, [count, dimension]);
  const program: TokenProgram = tokenProgram(
    'hessianProduct',
    [matrix, tensorType(dtype, []), matrix],
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

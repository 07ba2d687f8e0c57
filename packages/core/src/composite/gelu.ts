import { composite } from '../program/composite.ts';
import { add, erf, exp, mul } from '../program/ops/elementwise.ts';
import type { Tensor } from '../program/trace.ts';

/** Standard normal cumulative distribution. */
function normalCdf(x: Tensor): Tensor {
  return mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
}

/** `x * Phi(x)` with the exact normal distribution (Hendrycks, Gimpel, arXiv 1606.08415). The composite `gelu/1`. */
export function gelu(x: Tensor): Tensor {
  const [result] = composite(
    {
      name: 'gelu/1',
      decomposition: (input) => [mul(input!, normalCdf(input!))],
      gradient: ([input], _outputs, [g]) => {
        const density = mul(exp(mul(mul(input!, input!), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        return [mul(g!, add(normalCdf(input!), mul(input!, density)))];
      },
    },
    [x],
  );
  return result!;
}

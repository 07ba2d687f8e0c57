import { backendFromKernels, type Backend, type Kernel, type NoAttributes } from '@ddcl/core/backend';
import type { ToleranceTable } from '../../src/index.ts';
import { round, type RefTensor } from '../../src/oracle/tensor.ts';
import { strictOptions } from '../../src/strict/strict-backend.ts';

const ulp = { float32: 2 ** -23, float64: 2 ** -52, int32: 0, float16: 0 } as const;

/** Every number off by 4 units in the last place, up or down by its own bits, and then rounded. */
const off = ({ dtype, data }: RefTensor): RefTensor => ({
  dtype,
  data: data.map((x) => round(dtype, x * (1 + (Math.floor(Math.abs(x) * 1e6) % 2 === 0 ? 4 : -4) * ulp[dtype]))),
});

/** A backend whose exp and log have 4 ulp errors on top of the rounding, and whose tanh may be wrong as well. */
export function inexactBackend({ tanh = 0 } = {}): Backend {
  const { options } = strictOptions({ alias: false });
  const changed = (
    op: 'exp' | 'log' | 'tanh',
    change: (result: RefTensor) => RefTensor,
  ): Kernel<RefTensor, NoAttributes> => {
    const kernel = options.kernels[op] as Kernel<RefTensor, NoAttributes>;
    return (inputs, call) => {
      const result = kernel(inputs, call);
      result.data.set(change(result).data);
      return result;
    };
  };
  return backendFromKernels({
    ...options,
    name: 'inexact',
    kernels: {
      ...options.kernels,
      exp: changed('exp', off),
      log: changed('log', off),
      tanh: changed('tanh', ({ dtype, data }) => ({ dtype, data: data.map((x) => round(dtype, x * (1 + tanh))) })),
    },
  });
}

const reason = 'A polynomial whose coefficients are rounded: 4 ulp.';

/** What such a backend says of itself. */
export const inexactTolerances: ToleranceTable = {
  exp: { ulps: { float32: 5, float64: 5 }, ulpsPerOperand: 2, reason },
  log: { ulps: { float32: 5, float64: 5 }, absoluteUlps: 4, reason },
};

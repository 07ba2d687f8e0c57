import { add, div, f32, lossAndGradient, massPreconditioned, mul, sqrt, sub, trace } from '@ddcl/core';
import type { Bindings, Program } from '@ddcl/core/backend';
import { compileProgram } from '../src/compile/compile-program.ts';
import type { TileOf } from '../src/compile/kernel-ops.ts';
import { fusedComposites } from '../src/ddcl/composites.ts';
import type { KernelLimits } from '../src/plan/plan-builder.ts';
import type { Plan } from '../src/plan/plan.ts';

/** What every device has. */
export const leastLimits = { storageBuffers: 8, sharedBytes: 16_384, chunkBytes: 32 * 2 ** 20, narrowWidth: 32 };

/** A plan for the least of devices; no device is needed for it. */
export function planOf(
  program: Program,
  bindings: Bindings = {},
  fused = true,
  tileOf?: TileOf,
  limits: Partial<KernelLimits> = {},
): Plan {
  return compileProgram(program, bindings, {
    limits: { ...leastLimits, ...limits },
    composites: fused ? fusedComposites : {},
    ...(tileOf !== undefined && { tileOf }),
  });
}

/** A training step with the optimiser of core that divides by the mass of each prototype. */
export function massStep(n: number, m: number, k: number): Program {
  return trace(
    [f32(n, m), f32(n), f32(k, m), f32(), f32(k), f32()],
    (tokens, weights, prototypes, temperature, rows, learningRate) => {
      const { lq, gradient, mass } = lossAndGradient({ tokens, weights, prototypes, temperature });
      const scalars = { learningRate, step: temperature, weightDecay: temperature, mass };
      const { parameter, state } = massPreconditioned().update(prototypes, gradient, [rows], scalars);
      return [lq, parameter, ...state];
    },
    'mass-preconditioned step',
  );
}

/** A training step: L_q, its gradient, and Adam. */
export function adamStep(n: number | string, m: number, k: number): Program {
  const state = f32(k, m);
  return trace(
    [f32(n, m), f32(n), state, f32(), state, state],
    (tokens, weights, prototypes, temperature, first, second) => {
      const { lq, gradient } = lossAndGradient({ tokens, weights, prototypes, temperature });
      const mean = add(mul(first, 0.9), mul(gradient, 0.1));
      const square = add(mul(second, 0.999), mul(mul(gradient, gradient), 0.001));
      return [lq, sub(prototypes, mul(div(mean, add(sqrt(square), 1e-8)), 1e-3)), mean, square];
    },
    'adam step',
  );
}

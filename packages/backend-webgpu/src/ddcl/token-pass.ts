import { readTokenPass, type TokenPassOperands, type TokenQuantity } from '@ddcl/core/backend';
import type { CompositeMaker } from '../compile/compile-program.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import type { Value } from '../wgsl/value.ts';
import { isNarrow, NarrowPass } from './narrow/narrow-pass.ts';
import { TiledPass } from './tiled-pass.ts';

/** Everything that is asked of the same tokens, prototypes and temperature. */
export const tokenPass: CompositeMaker = (plan, inputs, attributes) => {
  const { operands, quantities } = readTokenPass(attributes, inputs);
  return runTokenPass(plan, operands, quantities);
};

/** Plans a pass; the quantities come when they are asked for. */
export function runTokenPass(
  plan: PlanBuilder,
  operands: TokenPassOperands<Value>,
  quantities: readonly TokenQuantity[],
): (() => Value)[] {
  const Pass = isNarrow(plan, operands.tokens, quantities) ? NarrowPass : TiledPass;
  const pass = new Pass(plan, operands, new Set(quantities));
  return quantities.map((quantity) => () => pass.result(quantity));
}

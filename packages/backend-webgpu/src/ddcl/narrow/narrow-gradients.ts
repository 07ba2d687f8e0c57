import type { TokenPassOperands, TokenQuantity } from '@ddcl/core/backend';
import { Arithmetic } from '../../compile/arithmetic.ts';
import { reduce } from '../../compile/kernel-ops.ts';
import type { PlanBuilder } from '../../plan/plan-builder.ts';
import { literal, type Size } from '../../wgsl/size.ts';
import type { Stored, Value } from '../../wgsl/value.ts';
import type { LossCotangents } from '../loss-cotangents.ts';
import type { Derivative } from './derivative.ts';
import type { NarrowOperands } from './narrow-pass.ts';
import { rowPullKernel, rowPullSplits, type RowPullCall } from './row-pull.ts';
import { rowSlopesKernel } from './row-slopes.ts';

/** What a vector-Jacobian product gives for the tokens, the prototypes and the temperature; what nobody asked for is undefined. */
export interface Gradients {
  readonly tokens: Value | undefined;
  readonly prototypes: Value | undefined;
  readonly temperature: Value | undefined;
}

/** Sums over tokens of coefficients, and of what they multiply: `[splits, K, m + 1]`, or `[splits, K]` without a pull. */
export function pull(
  plan: PlanBuilder,
  operands: NarrowOperands,
  call: Pick<RowPullCall, 'coefficient' | 'weights' | 'pulled' | 'addedUp'>,
): Stored {
  const [n, m] = operands.tokens.shape as [Size, Size];
  const k = operands.prototypes.shape[0]!;
  const splits = literal(rowPullSplits(n, m, k));
  const target = plan.make('f32', call.pulled === undefined ? [splits, k] : [splits, k, literal(m.value + 1)]);
  plan.dispatch(rowPullKernel(plan.symbols, { ...operands, ...call, target }));
  return target;
}

/** The vector-Jacobian product for cotangents of the errors and the outputs of tokens (docs/math.md section 3). */
function gradientsOf(
  plan: PlanBuilder,
  operands: NarrowOperands,
  { direct, flow }: Omit<Derivative, 'sides'>,
  wants: Readonly<Record<keyof Gradients, boolean>>,
): Gradients {
  const a = new Arithmetic(plan);
  const { tokens, prototypes, temperature } = operands;
  const [n, m] = tokens.shape as [Size, Size];
  const k = prototypes.shape[0]!;
  const asColumn = (x: Value): Value => a.reshape(x, [n, literal(1)]);
  const mixture = wants.tokens ? plan.make('f32', [n, m]) : undefined;
  const needsSides = wants.tokens || wants.temperature || flow !== undefined;
  const sides = needsSides ? plan.make('f32', [n, literal(2)]) : undefined;
  if (sides !== undefined)
    plan.dispatch(rowSlopesKernel(plan.symbols, { ...operands, derivative: { direct, flow }, mixture, sides }));
  const byTokens = (): Value => {
    const mixed = a.mul(mixture!, a.number(-2));
    return direct === undefined ? mixed : a.add(a.mul(a.mul(tokens, asColumn(direct)), a.number(2)), mixed);
  };
  const byPrototypes = (): Value => {
    const coefficient = { direct, flow, sides: flow && sides };
    const partial = pull(plan, operands, { coefficient, weights: undefined, pulled: tokens });
    const sums = a.parts(partial, [k, literal(m.value + 1)]);
    const mass = a.column(sums, m.value);
    const own = a.mul(a.number(2), a.sub(a.mul(mass, prototypes), a.columnsOf(sums, 0, m)));
    if (flow === undefined) return own;
    const mixed = pull(plan, operands, { coefficient: 'share', weights: undefined, pulled: flow });
    const flows = a.columnsOf(a.parts(mixed, [k, literal(m.value + 1)]), 0, m);
    return a.add(own, a.mul(temperature, flows));
  };
  return {
    tokens: wants.tokens ? byTokens() : undefined,
    prototypes: wants.prototypes ? byPrototypes() : undefined,
    temperature: wants.temperature
      ? reduce(plan, { op: 'sum', input: a.reshape(a.column(sides!, 0), [n]), axes: [0] }, [])
      : undefined,
  };
}

function wanted(
  all: ReadonlySet<TokenQuantity>,
  prefix: 'lossBy' | 'outputsBy',
): Readonly<Record<keyof Gradients, boolean>> {
  return {
    tokens: all.has(`${prefix}Tokens`),
    prototypes: all.has(`${prefix}Prototypes`),
    temperature: all.has(`${prefix}Temperature`),
  };
}

/** Gradients of the losses: `z - y` flows to the outputs, and the residual holds the token itself too. */
export function lossGradients(
  plan: PlanBuilder,
  operands: NarrowOperands,
  { direct, onResidual }: LossCotangents,
  outputs: Stored | undefined,
  all: ReadonlySet<TokenQuantity>,
): Gradients {
  const a = new Arithmetic(plan);
  const { tokens, temperature } = operands;
  const scale = onResidual && a.reshape(onResidual, [tokens.shape[0]!, literal(1)]);
  const flow = scale && plan.store(a.mul(scale, a.sub(tokens, outputs!)));
  const gradients = gradientsOf(plan, operands, { direct, flow }, wanted(all, 'lossBy'));
  if (flow === undefined || gradients.tokens === undefined) return gradients;
  return { ...gradients, tokens: a.sub(gradients.tokens, a.mul(flow, temperature)) };
}

/** Gradients of the outputs. */
export function outputGradients(
  plan: PlanBuilder,
  operands: NarrowOperands,
  onOutputs: NonNullable<TokenPassOperands<Value>['onOutputs']>,
  all: ReadonlySet<TokenQuantity>,
): Gradients {
  const flow = plan.store(new Arithmetic(plan).of('div', onOutputs, operands.temperature));
  return gradientsOf(plan, operands, { direct: undefined, flow }, wanted(all, 'outputsBy'));
}

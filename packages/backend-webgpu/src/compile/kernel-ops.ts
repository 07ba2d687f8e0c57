import { type Instruction, type PrimitiveAttributes } from '@ddcl/core/backend';
import { matmulKernel, productSizes, withSharedSizes } from '../kernels/product/matmul.ts';
import { chooseTile, type ProductSizes, type TileChoice } from '../kernels/product/tiles.ts';
import {
  chooseReduceShape,
  partsAsInput,
  reduceKernel,
  splitAxes,
  type ReduceCall,
  type Reduction,
} from '../kernels/reduce.ts';
import { orderKernel, segmentSumKernel } from '../kernels/segment-sum.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import { makeExpression } from './expressions.ts';
import { countOf } from '../wgsl/place.ts';
import { isOne, literal, type Size } from '../wgsl/size.ts';
import { costOf, readsOf, totalsOf, type Scalar, type Stored, type Value } from '../wgsl/value.ts';

/** Chooses the tile of a product. */
export type TileOf = (sizes: ProductSizes, sharedBytes: number) => TileChoice;

/** The dispatches of an op that is no expression. */
export function makeKernel(
  plan: PlanBuilder,
  { op, attributes }: Instruction,
  inputs: readonly Value[],
  shape: readonly Size[],
  tileOf: TileOf | undefined,
): Value {
  switch (op) {
    case 'sum':
    case 'max': {
      const total = op === 'sum' ? smallTotal(plan, inputs[0]!, shape) : undefined;
      return (
        total ?? reduce(plan, { op, input: inputs[0]!, axes: (attributes as PrimitiveAttributes['sum']).axes }, shape)
      );
    }
    case 'argMax':
      return reduce(plan, { op, input: inputs[0]!, axes: [(attributes as PrimitiveAttributes['argMax']).axis] }, shape);
    case 'matmul':
      return product(plan, inputs, attributes as PrimitiveAttributes['matmul'], shape, tileOf);
    case 'segmentSum':
      return segmentSum(plan, inputs, attributes as PrimitiveAttributes['segmentSum'], shape);
    default:
      throw new TypeError(`no kernel for ${op}`);
  }
}

/** What a workgroup may compute for itself before its map, in operations. */
const mostTotalCost = 65_536;
const mostTotalElements = 16_384;

/** The sum of all elements of something small is part of the maps that need it; undefined for others. */
function smallTotal(plan: PlanBuilder, input: Value, shape: readonly Size[]): Value | undefined {
  const count = countOf(input.shape).value;
  if (input.scalar !== 'f32' || countOf(shape).value !== 1 || !shape.every(isOne)) return undefined;
  if (count > mostTotalElements || count * (1 + costOf(input)) > mostTotalCost || totalsOf(input).length > 0)
    return undefined;
  return makeExpression(plan, { op: 'total', attributes: {} }, [input], 'f32', shape);
}

/** Only maps make totals. */
function withoutTotals(plan: PlanBuilder, value: Value): Value {
  return totalsOf(value).length > 0 ? plan.store(value) : value;
}

/** `op` over axes, in one pass, or in two where one would leave most of the device idle. */
export function reduce(
  plan: PlanBuilder,
  call: ReduceCall,
  shape: readonly Size[],
  target: Stored = plan.make(call.op === 'argMax' ? 'i32' : call.input.scalar, shape),
  adds = false,
): Stored {
  const { op } = call;
  const input = withoutTotals(plan, call.input);
  call = { ...call, input };
  const { kept, reduced, contiguous } = splitAxes(call);
  const scalar: Scalar = op === 'argMax' ? 'i32' : input.scalar;
  const choice = chooseReduceShape(op, kept.value, reduced.value, contiguous);
  if (choice.parts === 1) {
    plan.dispatch(reduceKernel(plan.symbols, call, choice, target, adds));
    return target;
  }
  const partial = plan.make(scalar, [literal(choice.parts), kept]);
  plan.dispatch(reduceKernel(plan.symbols, call, choice, partial));
  addParts(plan, op, choice.parts, kept, partial, target, adds);
  return target;
}

/** Partial results `[parts, kept]` become one, in order. */
function addParts(
  plan: PlanBuilder,
  op: Reduction,
  parts: number,
  kept: Size,
  partial: Stored,
  target: Stored,
  adds = false,
): void {
  const call: ReduceCall = { op, input: partsAsInput(parts, kept, partial), axes: [0] };
  const { lanes } = chooseReduceShape(op, kept.value, parts, kept.value === 1);
  plan.dispatch(reduceKernel(plan.symbols, call, { lanes, parts: 1 }, target, adds));
}

/** An operand of a product is computed once for each tile that needs it, so only what is nearly free stays an expression. */
function productOperand(plan: PlanBuilder, value: Value): Value {
  return costOf(value) <= 2 && readsOf(value).size <= 2 ? value : plan.store(value);
}

export function product(
  plan: PlanBuilder,
  inputs: readonly Value[],
  { transposeA, transposeB }: PrimitiveAttributes['matmul'],
  shape: readonly Size[],
  tileOf: TileOf = chooseTile,
): Stored {
  const [a, b] = inputs.map((value) => productOperand(plan, value)) as [Value, Value];
  const call = withSharedSizes({
    a: { value: a, transposed: transposeA },
    b: { value: b, transposed: transposeB },
    batch: shape.slice(0, -2),
    rows: shape.at(-2)!,
    columns: shape.at(-1)!,
    inner: a.shape.at(transposeA ? -2 : -1)!,
  });
  const choice = tileOf(productSizes(call), plan.limits.sharedBytes);
  const target = plan.make('f32', shape);
  if (choice.splits === 1) {
    plan.dispatch(matmulKernel(plan.symbols, call, choice, target));
    return target;
  }
  const kept = countOf(shape);
  const partial = plan.make('f32', [literal(choice.splits), kept]);
  plan.dispatch(matmulKernel(plan.symbols, call, choice, partial));
  addParts(plan, 'sum', choice.splits, kept, partial, target);
  return target;
}

export function segmentSum(
  plan: PlanBuilder,
  [valuesOf, idValues]: readonly Value[],
  { sorted }: PrimitiveAttributes['segmentSum'],
  shape: readonly Size[],
  into?: { readonly target: Stored; readonly adds: boolean },
): Stored {
  const ids = plan.store(idValues!);
  const values = withoutTotals(plan, valuesOf!);
  const { target, adds } = into ?? { target: plan.make(values.scalar, shape), adds: false };
  if (sorted) {
    plan.dispatch(segmentSumKernel(plan.symbols, values, { sorted: ids, order: undefined }, target, adds));
    return target;
  }
  const [order, inOrder] = [plan.make('i32', ids.shape), plan.make('i32', ids.shape)];
  plan.dispatch(orderKernel(plan.symbols, ids, order, inOrder));
  plan.dispatch(segmentSumKernel(plan.symbols, values, { sorted: inOrder, order }, target, adds));
  return target;
}

import { elementCount, type PrimitiveAttributes, type PrimitiveInstruction } from '@ddcl/core/backend';
import { sameSizes, type Size } from '../wgsl/size.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import {
  costOf,
  ownCost,
  readsOf,
  totalsOf,
  type BufferId,
  type Expression,
  type ExpressionOp,
  type Scalar,
  type Value,
} from '../wgsl/value.ts';

/** Beyond this an expression is cut: kernels must not grow without bound. */
const mostCost = 200;

/** Bindings that a kernel keeps for what is no operand: its output, and the order of rows of a segmentSum. */
const reservedBindings = 3;

/** The value of an op that is no kernel of its own. Operands get buffers where a kernel could not bind them all. */
export function makeExpression(
  plan: PlanBuilder,
  {
    op,
    attributes,
  }: Pick<PrimitiveInstruction, 'attributes'> & { readonly op: ExpressionOp | PrimitiveInstruction['op'] },
  inputs: readonly Value[],
  scalar: Scalar,
  shape: readonly Size[],
): Value {
  const [x] = inputs;
  if (op === 'constant') {
    const { data, shape: sizes } = attributes as PrimitiveAttributes['constant'];
    if (elementCount(sizes) > 1) return plan.constant(data, scalar, shape);
  }
  if (x !== undefined && x.kind === 'stored') {
    const isSame = sameSizes(x.shape, shape);
    if (op === 'detach' || op === 'reshape' || (op === 'broadcastTo' && isSame)) return { ...x, shape };
    if (op === 'cast' && x.scalar === scalar && !x.half) return x;
  }
  const most = plan.limits.storageBuffers - reservedBindings;
  const operands = op === 'concat' ? joinedInParts(plan, inputs, attributes, scalar, most) : [...inputs];
  return bounded(plan, op as ExpressionOp, attributes as Expression['attributes'], operands, scalar, shape, most);
}

function bounded(
  plan: PlanBuilder,
  op: ExpressionOp,
  attributes: Expression['attributes'],
  operands: Value[],
  scalar: Scalar,
  shape: readonly Size[],
  most: number,
): Expression {
  for (;;) {
    const reads = new Set<BufferId>(operands.flatMap((operand) => [...readsOf(operand)]));
    const cost = operands.reduce((total, operand) => total + costOf(operand), ownCost(op));
    if (reads.size <= most && cost <= mostCost) {
      const totals = [...new Set(operands.flatMap((operand) => [...totalsOf(operand)]))];
      return { kind: 'expression', scalar, shape, op, attributes, inputs: operands, cost, reads, totals };
    }
    const isTooWide = reads.size > most;
    const weight = (operand: Value): number =>
      operand.kind === 'stored' ? -1 : isTooWide ? readsOf(operand).size : costOf(operand);
    const heaviest = operands.reduce((a, b) => (weight(b) > weight(a) ? b : a));
    const stored = plan.store(heaviest);
    operands = operands.map((operand) => (operand === heaviest ? stored : operand));
  }
}

/** Of more tensors than a kernel may bind, joins are joined. */
function joinedInParts(
  plan: PlanBuilder,
  inputs: readonly Value[],
  attributes: PrimitiveInstruction['attributes'],
  scalar: Scalar,
  most: number,
): Value[] {
  const reads = new Set(inputs.flatMap((input) => [...readsOf(input)]));
  if (reads.size <= most) return [...inputs];
  const { axis } = attributes as PrimitiveAttributes['concat'];
  const stored = inputs.map((input) => plan.store(input));
  const parts: Value[] = [];
  for (let begin = 0; begin < stored.length; begin += most) {
    const members = stored.slice(begin, begin + most);
    if (members.length === 1) {
      parts.push(members[0]!);
      continue;
    }
    const value = members.reduce((total, member) => total + member.shape[axis]!.value, 0);
    const text = `(${members.map((member) => member.shape[axis]!.text).join(' + ')})`;
    const shape = members[0]!.shape.map((size, other) => (other === axis ? { value, text } : size));
    parts.push(plan.store(bounded(plan, 'concat', { axis }, members, scalar, shape, most)));
  }
  return joinedInParts(plan, parts, attributes, scalar, most);
}

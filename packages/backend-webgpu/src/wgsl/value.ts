import type { PrimitiveAttributes } from '@ddcl/core/backend';
import type { Size } from './size.ts';

/** What a kernel computes with. */
export type Scalar = 'f32' | 'i32';

/** Number of a buffer within its plan. */
export type BufferId = number;

/**
 * Ops that are written where their value is read: element by element, or only moving elements.
 * `parts` is ours: the sum over the first axis of a buffer, in order, where a sum was made in ranges. So is `total`: the sum of all elements of
 * something small, which each workgroup of a map makes for itself.
 */
export type ExpressionOp =
  | Exclude<keyof PrimitiveAttributes, 'sum' | 'max' | 'argMax' | 'matmul' | 'segmentSum'>
  | 'parts'
  | 'total';

/** Elements that lie in a buffer. */
export interface Stored {
  readonly kind: 'stored';
  readonly scalar: Scalar;
  readonly shape: readonly Size[];
  readonly buffer: BufferId;
  /** Whether they lie there in half precision, two to a word. */
  readonly half: boolean;
}

/** Elements that are computed where they are read, each from its place. */
export interface Expression {
  readonly kind: 'expression';
  readonly scalar: Scalar;
  readonly shape: readonly Size[];
  readonly op: ExpressionOp;
  readonly attributes: PrimitiveAttributes[Exclude<ExpressionOp, 'parts' | 'total'>];
  readonly inputs: readonly Value[];
  /** About the operations of one element, with those of its operands. */
  readonly cost: number;
  /** The buffers that one element may need. */
  readonly reads: ReadonlySet<BufferId>;
  /** The totals among its operands: only maps can make them. */
  readonly totals: readonly Expression[];
}

/** A value of a program in its plan. */
export type Value = Stored | Expression;

export function readsOf(value: Value): ReadonlySet<BufferId> {
  return value.kind === 'stored' ? new Set([value.buffer]) : value.reads;
}

export function costOf(value: Value): number {
  return value.kind === 'stored' ? 0 : value.cost;
}

/** The totals that a value is made of, each once. */
export function totalsOf(value: Value): readonly Expression[] {
  if (value.kind === 'stored') return [];
  return value.op === 'total' ? [value] : value.totals;
}

const ownCosts: Partial<Record<ExpressionOp, number>> = {
  exp: 4,
  log: 4,
  div: 2,
  sqrt: 2,
  // More than any kernel but a map takes in.
  total: 50,
  tanh: 10,
  erf: 10,
  gather: 1,
  reshape: 0,
  transpose: 0,
  broadcastTo: 0,
  slice: 0,
  concat: 1,
  constant: 0,
  iota: 0,
  detach: 0,
  cast: 0,
};

/** About the operations that an op does for one element. */
export function ownCost(op: ExpressionOp): number {
  return ownCosts[op] ?? 1;
}

import type { PrimitiveAttributes, PrimitiveOp } from '../../program/attributes.ts';
import { sum } from '../../program/ops/reduce.ts';
import { reshape } from '../../program/ops/layout.ts';
import type { Shape } from '../../program/tensor-type.ts';
import type { Tensor } from '../../program/trace.ts';

/** What a rule is given: one instruction of the program and the cotangent of its result. */
export interface RuleCall<Attributes> {
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly attributes: Attributes;
  readonly cotangent: Tensor;
}

/** The cotangent of each operand; undefined where there is none (int32 operands, zero derivatives). */
export type Rule<Attributes> = (call: RuleCall<Attributes>) => readonly (Tensor | undefined)[];

/** The vector-Jacobian rule of every primitive. */
export type RuleTable = { readonly [Op in PrimitiveOp]: Rule<PrimitiveAttributes[Op]> };

/** Sums a cotangent over the axes along which its operand of shape `shape` was broadcast. */
export function unbroadcast(cotangent: Tensor, shape: Shape): Tensor {
  const extra = cotangent.shape.length - shape.length;
  const stretched = cotangent.shape.flatMap((size, axis) => {
    const own = axis < extra ? undefined : shape[axis - extra];
    return own === undefined || (own === 1 && size !== 1) ? [axis] : [];
  });
  return reshape(sum(cotangent, stretched, { keepDims: true }), shape);
}

import type { ArithmeticOp, ComparisonOp, UnaryOp } from '../attributes.ts';
import { DdclError } from '../../errors/ddcl-error.ts';
import { requireTraced, Tensor } from '../trace.ts';
import { scalar } from './create.ts';

/** An operand: a tensor, or a number that takes the dtype of the other operand. */
export type Operand = Tensor | number;

function applyUnary(op: UnaryOp, x: Tensor): Tensor {
  return new Tensor(x.builder, x.builder.add(op, [x.id], {}));
}

/** The operands as tensors of one trace; numbers become scalars of the tensors' dtype. */
function lift(op: string, operands: readonly Operand[]): Tensor[] {
  const like = operands.find((operand) => operand instanceof Tensor);
  if (like === undefined)
    throw new DdclError('argument', `${op} takes at least one tensor, but got numbers only.`, { op });
  return operands.map((operand) =>
    typeof operand === 'number' ? scalar(like, operand) : requireTraced(like.builder, operand),
  );
}

function applyBinary(op: ArithmeticOp | ComparisonOp, a: Operand, b: Operand): Tensor {
  const [x, y] = lift(op, [a, b]) as [Tensor, Tensor];
  return new Tensor(x.builder, x.builder.add(op, [x.id, y.id], {}));
}

export const neg = (x: Tensor): Tensor => applyUnary('neg', x);
export const exp = (x: Tensor): Tensor => applyUnary('exp', x);
/** Natural logarithm; operands are > 0 by contract. */
export const log = (x: Tensor): Tensor => applyUnary('log', x);
export const sqrt = (x: Tensor): Tensor => applyUnary('sqrt', x);
export const tanh = (x: Tensor): Tensor => applyUnary('tanh', x);
/** The error function. */
export const erf = (x: Tensor): Tensor => applyUnary('erf', x);

export const add = (a: Operand, b: Operand): Tensor => applyBinary('add', a, b);
export const sub = (a: Operand, b: Operand): Tensor => applyBinary('sub', a, b);
export const mul = (a: Operand, b: Operand): Tensor => applyBinary('mul', a, b);
export const div = (a: Operand, b: Operand): Tensor => applyBinary('div', a, b);
export const maximum = (a: Operand, b: Operand): Tensor => applyBinary('maximum', a, b);
export const minimum = (a: Operand, b: Operand): Tensor => applyBinary('minimum', a, b);
/** 1 where a < b, else 0; int32. */
export const less = (a: Operand, b: Operand): Tensor => applyBinary('less', a, b);
/** 1 where a = b, else 0; int32. */
export const equal = (a: Operand, b: Operand): Tensor => applyBinary('equal', a, b);
export const square = (x: Tensor): Tensor => mul(x, x);

/** `a` where `condition` (int32) is not 0, else `b`. */
export function select(condition: Tensor, a: Operand, b: Operand): Tensor {
  if (typeof a === 'number' && typeof b === 'number') {
    throw new DdclError(
      'argument',
      'select takes at least one tensor beside its condition: two numbers have no dtype.',
      { op: 'select' },
    );
  }
  const [x, y] = lift('select', [a, b]) as [Tensor, Tensor];
  requireTraced(condition.builder, x);
  return new Tensor(x.builder, x.builder.add('select', [condition.id, x.id, y.id], {}));
}

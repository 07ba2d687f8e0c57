import { DdclError } from '../../errors/ddcl-error.ts';
import { zeros } from '../../program/ops/create.ts';
import { concat, reshape, slice, transpose } from '../../program/ops/layout.ts';
import type { Dimension } from '../../program/tensor-type.ts';
import type { Tensor } from '../../program/trace.ts';
import { unbroadcast, type RuleTable } from './rule.ts';

function symbolic(op: string): DdclError {
  return new DdclError(
    'unsupported',
    `The derivative of ${op} along an axis whose size is a symbol is not known before it is bound. Specialise the program first: specialise(program, { n: 128 }).`,
    { op },
  );
}

/** `x` with zeros before and after along one axis, up to `size`. */
function pad(x: Tensor, axis: number, before: number, size: Dimension): Tensor {
  const own = x.shape[axis]!;
  if (own === size) return x;
  if (typeof own !== 'number' || typeof size !== 'number') throw symbolic('slice');
  const fill = (count: number): Tensor[] =>
    count === 0
      ? []
      : [zeros(x, { dtype: x.dtype, shape: x.shape.map((each, index) => (index === axis ? count : each)) })];
  return concat([...fill(before), x, ...fill(size - before - own)], axis);
}

/** Derivatives of ops that only move elements. */
export const layoutRules: Pick<RuleTable, 'reshape' | 'transpose' | 'broadcastTo' | 'slice' | 'concat'> = {
  reshape: ({ inputs: [x], cotangent }) => [reshape(cotangent, x!.shape)],
  transpose: ({ attributes: { permutation }, cotangent }) => [
    transpose(
      cotangent,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  broadcastTo: ({ inputs: [x], cotangent }) => [unbroadcast(cotangent, x!.shape)],
  slice: ({ inputs: [x], attributes: { starts }, cotangent }) => [
    x!.shape.reduce((padded, size, axis) => pad(padded, axis, starts[axis]!, size), cotangent),
  ],
  concat: ({ inputs, attributes: { axis }, cotangent }) => {
    let start = 0;
    return inputs.map((input, index) => {
      const size = input.shape[axis]!;
      if (typeof size !== 'number' && index < inputs.length - 1) throw symbolic('concat');
      const starts = input.shape.map((_, each) => (each === axis ? start : 0));
      if (typeof size === 'number') start += size;
      return slice(cotangent, starts, input.shape);
    });
  },
};

import type { PrimitiveAttributes, PrimitiveOp } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import type { EmitCall, Emitter } from '../emitter.ts';
import { arithmetic, castTo, comparison, select, unary } from './elementwise.ts';
import { constant, gather, iota, segmentSum } from './indexing.ts';
import { broadcastTo, concat, reshape, slice, transpose } from './layout.ts';
import { matmul } from './matmul.ts';
import { argMax, max, sum } from './reduce.ts';

/** Writes one primitive; may return its operand where nothing is to be done. */
export type EmitPrimitive<Op extends PrimitiveOp> = (
  emitter: Emitter,
  call: EmitCall<PrimitiveAttributes[Op]>,
) => OnnxName;

/** One function per primitive: a table that lacks one does not compile. */
export const primitives: { readonly [Op in PrimitiveOp]: EmitPrimitive<Op> } = {
  neg: unary('neg'),
  exp: unary('exp'),
  log: unary('log'),
  sqrt: unary('sqrt'),
  tanh: unary('tanh'),
  erf: unary('erf'),
  add: arithmetic('add'),
  sub: arithmetic('sub'),
  mul: arithmetic('mul'),
  div: arithmetic('div'),
  maximum: arithmetic('maximum'),
  minimum: arithmetic('minimum'),
  less: comparison('Less'),
  equal: comparison('Equal'),
  select,
  sum,
  max,
  argMax,
  matmul,
  reshape,
  transpose,
  broadcastTo,
  slice,
  concat,
  gather,
  segmentSum,
  constant,
  iota,
  cast: castTo,
  detach: (_, { inputs }) => inputs[0]!,
};

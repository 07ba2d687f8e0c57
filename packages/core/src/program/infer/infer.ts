import { DdclError } from '../../errors/ddcl-error.ts';
import type { PrimitiveAttributes, PrimitiveOp } from '../attributes.ts';
import { formatType, type TensorType } from '../tensor-type.ts';
import { inferArithmetic, inferComparison, inferSelect, inferUnary } from './elementwise.ts';
import { inferConstant, inferGather, inferIota, inferSegmentSum } from './indexing.ts';
import { inferBroadcastTo, inferConcat, inferReshape, inferSlice, inferTranspose } from './layout.ts';
import { inferMatmul } from './matmul.ts';
import { inferArgMax, inferReduction } from './reduce.ts';

type Rule<Op extends PrimitiveOp> = (inputs: readonly TensorType[], attributes: PrimitiveAttributes[Op]) => TensorType;

interface Entry<Op extends PrimitiveOp> {
  /** Number of operands; `concat` takes one or more. */
  readonly operands: number | 'some';
  readonly infer: Rule<Op>;
}

const unary = (op: string): { operands: 1; infer: (inputs: readonly TensorType[]) => TensorType } => ({
  operands: 1,
  infer: (inputs) => inferUnary(op, inputs),
});
const arithmetic = (op: string): { operands: 2; infer: (inputs: readonly TensorType[]) => TensorType } => ({
  operands: 2,
  infer: (inputs) => inferArithmetic(op, inputs),
});
const comparison = (op: string): { operands: 2; infer: (inputs: readonly TensorType[]) => TensorType } => ({
  operands: 2,
  infer: (inputs) => inferComparison(op, inputs),
});

const rules: { readonly [Op in PrimitiveOp]: Entry<Op> } = {
  neg: unary('neg'),
  exp: unary('exp'),
  log: unary('log'),
  sqrt: unary('sqrt'),
  tanh: unary('tanh'),
  erf: unary('erf'),
  add: arithmetic('add'),
  sub: arithmetic('sub'),
  mul: arithmetic('mul'),
  div: { operands: 2, infer: (inputs) => inferDivision(inputs) },
  maximum: arithmetic('maximum'),
  minimum: arithmetic('minimum'),
  less: comparison('less'),
  equal: comparison('equal'),
  select: { operands: 3, infer: inferSelect },
  sum: { operands: 1, infer: ([x], attributes) => inferReduction('sum', x!, attributes) },
  max: { operands: 1, infer: ([x], attributes) => inferReduction('max', x!, attributes) },
  argMax: { operands: 1, infer: ([x], attributes) => inferArgMax(x!, attributes) },
  matmul: { operands: 2, infer: inferMatmul },
  reshape: { operands: 1, infer: ([x], attributes) => inferReshape(x!, attributes) },
  transpose: { operands: 1, infer: ([x], attributes) => inferTranspose(x!, attributes) },
  broadcastTo: { operands: 1, infer: ([x], attributes) => inferBroadcastTo(x!, attributes) },
  slice: { operands: 1, infer: ([x], attributes) => inferSlice(x!, attributes) },
  concat: { operands: 'some', infer: inferConcat },
  gather: { operands: 2, infer: inferGather },
  segmentSum: { operands: 2, infer: inferSegmentSum },
  constant: { operands: 0, infer: (_, attributes) => inferConstant(attributes) },
  iota: { operands: 0, infer: (_, attributes) => inferIota(attributes) },
  cast: { operands: 1, infer: ([x], { dtype }) => ({ dtype, shape: x!.shape }) },
  detach: { operands: 1, infer: ([x]) => x! },
};

/** Integer division differs between devices (rounding, division by zero), so there is none. */
function inferDivision(inputs: readonly TensorType[]): TensorType {
  const type = inferArithmetic('div', inputs);
  if (type.dtype !== 'int32') return type;
  throw new DdclError(
    'dtype',
    `div takes floats, but got ${inputs.map(formatType).join(' and ')}. Cast first: cast(x, 'float32').`,
    { op: 'div', shapes: inputs.map((each) => each.shape) },
  );
}

/** The names of all primitive ops, in the order in which they are documented. */
export const primitiveOps: readonly PrimitiveOp[] = Object.keys(rules) as PrimitiveOp[];

/**
 * The type of a primitive's result.
 * @throws DdclError `shape`, `dtype` or `argument`, naming the op and the shapes, if the operands do not fit.
 */
export function inferPrimitive<Op extends PrimitiveOp>(
  op: Op,
  inputs: readonly TensorType[],
  attributes: PrimitiveAttributes[Op],
): TensorType {
  const entry: Entry<Op> = rules[op];
  const fits = entry.operands === 'some' ? inputs.length > 0 : inputs.length === entry.operands;
  if (!fits) {
    throw new DdclError(
      'argument',
      `${op} takes ${entry.operands === 'some' ? 'at least 1' : entry.operands} operand(s), but got ${inputs.length}.`,
      { op },
    );
  }
  const result = entry.infer(inputs, attributes);
  const half = result.dtype === 'float16' ? result : inputs.find((type) => type.dtype === 'float16');
  if (half === undefined || (op === 'cast' && half !== result)) return result;
  throw new DdclError(
    'dtype',
    `${op} works on ${formatType(half)}, but float16 is storage only: a program takes it as a parameter and casts it first, cast(x, 'float32').`,
    { op, shapes: inputs.map((type) => type.shape) },
  );
}

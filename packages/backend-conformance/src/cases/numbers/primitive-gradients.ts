import {
  add,
  argMax,
  broadcastTo,
  cast,
  concat,
  constant,
  detach,
  div,
  equal,
  erf,
  exp,
  gather,
  iota,
  less,
  log,
  matmul,
  max,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  segmentSum,
  select,
  slice,
  sqrt,
  sub,
  sum,
  tanh,
  trace,
  transpose,
  type Tensor,
} from '@ddcl/core';
import { tensorType, type ConcreteType, type FloatDType, type PrimitiveOp, type Program } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { checkProgram } from '../../run/check.ts';
import { randomValue, scattered, seedOf, typeMaker, value } from '../data.ts';
import { differentiated } from './differentiated.ts';

/** A small program of each primitive, around which the derivative has something to do. */
const bodies: Readonly<Record<PrimitiveOp, (x: Tensor, y: Tensor, ids: Tensor) => Tensor>> = {
  neg: (x) => mul(neg(x), x),
  exp: (x) => exp(x),
  log: (x) => log(add(mul(x, x), 1)),
  sqrt: (x) => sqrt(add(mul(x, x), 1)),
  tanh: (x) => tanh(x),
  erf: (x) => erf(x),
  add: (x, y) => mul(add(x, y), add(x, y)),
  sub: (x, y) => mul(sub(x, y), sub(y, x)),
  mul: (x, y) => mul(x, y),
  div: (x, y) => div(x, add(mul(y, y), 1)),
  maximum: (x, y) => mul(maximum(x, y), x),
  minimum: (x, y) => mul(minimum(x, y), x),
  less: (x, y) => mul(mul(x, x), cast(less(x, y), x.dtype)),
  equal: (x, y) => mul(mul(x, x), cast(equal(x, maximum(x, y)), x.dtype)),
  select: (x, y) => select(less(x, 0.25), mul(x, x), y),
  sum: (x) => mul(sum(x, [1], { keepDims: true }), x),
  max: (x) => mul(max(x, [1], { keepDims: true }), x),
  argMax: (x) => mul(x, reshape(cast(argMax(x, 1), x.dtype), ['n', 1])),
  matmul: (x, y) => matmul(x, y, { transposeB: true }),
  reshape: (x) => exp(reshape(x, ['n', 2, 2])),
  transpose: (x, y) => matmul(transpose(x), mul(y, y)),
  broadcastTo: (_x, y) => exp(broadcastTo(y, [3, 3, 4])),
  slice: (x) => exp(slice(x, [0, 1], ['n', 2])),
  concat: (x) => exp(concat([x, mul(x, x), x], 1)),
  gather: (_x, y, ids) => exp(gather(y, ids)),
  segmentSum: (x, _y, ids) => exp(mul(segmentSum(x, ids, { segments: 4 }), 0.05)),
  constant: (x) => mul(mul(x, x), constant(x, x.dtype, [4], [2, -1, 0, 0.5])),
  iota: (x) => mul(mul(x, x), iota(x, x.dtype, ['n', 4], 1)),
  cast: (x) => mul(cast(cast(x, 'int32'), x.dtype), x),
  detach: (x) => mul(detach(mul(x, x)), x),
};

/** A scalar of what a body returns: the sum of its elements, which a smooth function bends first. */
function scalarOf(results: readonly Tensor[]): Tensor {
  return results.map((each) => sum(mul(each, sub(each, 0.3)))).reduce((total, each) => add(total, each));
}

/** With a row for y where it takes part by broadcasting, and a matrix where it is multiplied. */
export function primitiveGradients(dtype: FloatDType): ConformanceCase[] {
  const f = typeMaker(dtype);
  return (Object.keys(bodies) as PrimitiveOp[]).flatMap((op) => {
    const shape = ['matmul', 'transpose', 'gather', 'broadcastTo'].includes(op) ? [3, 4] : [4];
    const types = [f('n', 4), f(...(op === 'transpose' ? ['n', 4] : shape)), tensorType('int32', ['n'])];
    let program: Program | undefined;
    return [3, 65].map((n) =>
      conformanceCase(
        'gradient',
        `n = ${n}`,
        (context) => {
          program ??= differentiated(
            trace(types, (x, y, ids) => [scalarOf([bodies[op](x!, y!, ids!)])], `gradient of ${op}`),
          );
          const concrete = types.map(
            (type) => ({ ...type, shape: type.shape.map((size) => (size === 'n' ? n : size)) }) as ConcreteType,
          );
          const inputs = concrete.map((type, index) =>
            type.dtype === 'int32'
              ? value(type, scattered(n, 3))
              : randomValue(type, seedOf(`${op} ${n} ${index}`), -1.5, 1.5),
          );
          return checkProgram(context, program, inputs);
        },
        { op, dtype },
      ),
    );
  });
}

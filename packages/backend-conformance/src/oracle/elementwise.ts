import type { Kernel, KernelTable, PrimitiveOp } from '@ddcl/core/backend';
import { erf } from './erf.ts';
import { make, position, type RefTensor } from './tensor.ts';

type Elementwise = Extract<
  PrimitiveOp,
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'tanh'
  | 'erf'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'maximum'
  | 'minimum'
  | 'less'
  | 'equal'
  | 'select'
  | 'cast'
  | 'detach'
  | 'broadcastTo'
>;

const unary =
  (f: (x: number) => number): Kernel<RefTensor, unknown> =>
  ([x], { inputTypes: [type], outputType }) =>
    make(outputType, (at) => f(x!.data[position(type!.shape, at)]!));

const binary =
  (f: (a: number, b: number) => number): Kernel<RefTensor, unknown> =>
  ([a, b], { inputTypes: [typeA, typeB], outputType }) =>
    make(outputType, (at) => f(a!.data[position(typeA!.shape, at)]!, b!.data[position(typeB!.shape, at)]!));

/** Ops whose every element comes from one element of each operand. */
export const elementwiseKernels: Pick<KernelTable<RefTensor>, Elementwise> = {
  neg: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  tanh: unary(Math.tanh),
  erf: unary(erf),
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  // A product of two int32 does not fit into a double.
  mul: (inputs, call) => binary(inputs[0]!.dtype === 'int32' ? Math.imul : (a, b) => a * b)(inputs, call),
  div: binary((a, b) => a / b),
  maximum: binary((a, b) => (a < b ? b : a)),
  minimum: binary((a, b) => (b < a ? b : a)),
  less: binary((a, b) => (a < b ? 1 : 0)),
  equal: binary((a, b) => (a === b ? 1 : 0)),
  select: ([c, a, b], { inputTypes: [typeC, typeA, typeB], outputType }) =>
    make(outputType, (at) =>
      c!.data[position(typeC!.shape, at)] === 0
        ? b!.data[position(typeB!.shape, at)]!
        : a!.data[position(typeA!.shape, at)]!,
    ),
  // `make` rounds to the dtype of the result, which is all that a cast does.
  cast: unary((x) => x),
  detach: unary((x) => x),
  broadcastTo: unary((x) => x),
};

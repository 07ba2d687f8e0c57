import type { Kernel, KernelTable, PrimitiveOp } from '@ddcl/core/backend';
import { erf } from './erf.ts';
import { broadcastSources } from './broadcast-sources.ts';
import { rounded, type RefTensor } from './tensor.ts';

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
  ([x], { inputTypes: [type], outputType }) => {
    const from = broadcastSources(type!.shape, outputType.shape);
    const { data } = x!;
    const result = new Float64Array(from.length);
    for (let index = 0; index < result.length; index++) result[index] = f(data[from[index]!]!);
    return rounded(outputType, result);
  };

const binary =
  (f: (a: number, b: number) => number): Kernel<RefTensor, unknown> =>
  ([a, b], { inputTypes: [typeA, typeB], outputType }) => {
    const [fromA, fromB] = [
      broadcastSources(typeA!.shape, outputType.shape),
      broadcastSources(typeB!.shape, outputType.shape),
    ];
    const result = new Float64Array(fromA.length);
    for (let index = 0; index < result.length; index++)
      result[index] = f(a!.data[fromA[index]!]!, b!.data[fromB[index]!]!);
    return rounded(outputType, result);
  };

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
  select: ([c, a, b], { inputTypes, outputType }) => {
    const [fromC, fromA, fromB] = inputTypes.map(({ shape }) => broadcastSources(shape, outputType.shape));
    const result = new Float64Array(fromC!.length);
    for (let index = 0; index < result.length; index++)
      result[index] = c!.data[fromC![index]!] === 0 ? b!.data[fromB![index]!]! : a!.data[fromA![index]!]!;
    return rounded(outputType, result);
  },
  // `rounded` rounds to the dtype of the result, which is all that a cast does.
  cast: unary((x) => x),
  detach: unary((x) => x),
  broadcastTo: unary((x) => x),
};

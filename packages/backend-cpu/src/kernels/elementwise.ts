import { allocate, elementCount, type Kernel, type KernelTable, type TypedArray } from '@ddcl/core/backend';
import { broadcastStrides, forEachRow } from './broadcast.ts';
import { erf } from './erf.ts';

type Names =
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
  | 'select';

/** Arithmetic is done in double precision and rounded once, when the result is stored. */
function unary(apply: (x: number) => number): Kernel<TypedArray, unknown> {
  return ([x], { outputType }) => {
    const input = x!;
    const result = allocate(outputType.dtype, input.length);
    for (let index = 0; index < input.length; index++) result[index] = apply(input[index]!);
    return result;
  };
}

function binary(apply: (a: number, b: number) => number): Kernel<TypedArray, unknown> {
  return ([a, b], { inputTypes: [typeA, typeB], outputType }) => {
    const [left, right] = [a!, b!];
    const { shape, dtype } = outputType;
    const count = elementCount(shape);
    const result = allocate(dtype, count);
    if (left.length === count && right.length === count) {
      for (let index = 0; index < count; index++) result[index] = apply(left[index]!, right[index]!);
    } else if (left.length === count && right.length === 1) {
      const scalar = right[0]!;
      for (let index = 0; index < count; index++) result[index] = apply(left[index]!, scalar);
    } else {
      const strides = [broadcastStrides(typeA!.shape, shape), broadcastStrides(typeB!.shape, shape)];
      forEachRow(shape, strides, (start, length, [fromA, fromB], [stepA, stepB]) => {
        for (let index = 0; index < length; index++) {
          result[start + index] = apply(left[fromA! + index * stepA!]!, right[fromB! + index * stepB!]!);
        }
      });
    }
    return result;
  };
}

const select: Kernel<TypedArray, unknown> = ([condition, a, b], { inputTypes, outputType }) => {
  const result = allocate(outputType.dtype, elementCount(outputType.shape));
  const strides = inputTypes.map((type) => broadcastStrides(type.shape, outputType.shape));
  forEachRow(outputType.shape, strides, (start, length, [fromC, fromA, fromB], [stepC, stepA, stepB]) => {
    for (let index = 0; index < length; index++) {
      result[start + index] =
        condition![fromC! + index * stepC!] !== 0 ? a![fromA! + index * stepA!]! : b![fromB! + index * stepB!]!;
    }
  });
  return result;
};

/** Element by element, with NumPy broadcasting. int32 wraps around: a typed array keeps the low 32 bits. */
export const elementwiseKernels: Pick<KernelTable<TypedArray>, Names> = {
  neg: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  tanh: unary(Math.tanh),
  erf: unary(erf),
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  // int32 products can exceed 2^53, where doubles lose the low bits that wrapping keeps.
  mul: (inputs, call) => (call.outputType.dtype === 'int32' ? multiplyInt32 : multiplyFloat)(inputs, call),
  div: binary((a, b) => a / b),
  maximum: binary((a, b) => (a < b ? b : a)),
  minimum: binary((a, b) => (b < a ? b : a)),
  less: binary((a, b) => (a < b ? 1 : 0)),
  equal: binary((a, b) => (a === b ? 1 : 0)),
  select,
};

const multiplyFloat = binary((a, b) => a * b);
const multiplyInt32 = binary(Math.imul);

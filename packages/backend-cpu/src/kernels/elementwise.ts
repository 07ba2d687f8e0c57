import { allocate, elementCount, type KernelInPieces, type KernelTable, type TypedArray } from '@ddcl/core/backend';
import { inPieces } from '../arithmetic/pieces.ts';
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

/** What an element takes, in multiply-adds: with one operand, which may be exp, with more, and where it is erf. */
const [unaryWork, work, erfWork] = [16, 8, 256];

/** Arithmetic is done in double precision and rounded once, when the result is stored. */
function unary(apply: (x: number) => number, own: number = unaryWork): KernelInPieces<TypedArray, unknown> {
  return ([x], { outputType }) => {
    const input = x!;
    const result = allocate(outputType.dtype, input.length);
    const visit = (from: number, to: number): void => {
      for (let index = from; index < to; index++) result[index] = apply(input[index]!);
    };
    return inPieces({ length: input.length, work: own, visit }, result);
  };
}

function binary(apply: (a: number, b: number) => number): KernelInPieces<TypedArray, unknown> {
  return ([a, b], { inputTypes: [typeA, typeB], outputType }) => {
    const [left, right] = [a!, b!];
    const { shape, dtype } = outputType;
    const length = elementCount(shape);
    const result = allocate(dtype, length);
    if (left.length === length && right.length === length) {
      const visit = (from: number, to: number): void => {
        for (let index = from; index < to; index++) result[index] = apply(left[index]!, right[index]!);
      };
      return inPieces({ length, work, visit }, result);
    }
    if (left.length === length && right.length === 1) {
      const scalar = right[0]!;
      const visit = (from: number, to: number): void => {
        for (let index = from; index < to; index++) result[index] = apply(left[index]!, scalar);
      };
      return inPieces({ length, work, visit }, result);
    }
    const strides = [broadcastStrides(typeA!.shape, shape), broadcastStrides(typeB!.shape, shape)];
    return forEachRow(shape, strides, work, result, (start, some, [fromA, fromB], [stepA, stepB]) => {
      for (let index = 0; index < some; index++)
        result[start + index] = apply(left[fromA! + index * stepA!]!, right[fromB! + index * stepB!]!);
    });
  };
}

const select: KernelInPieces<TypedArray, unknown> = ([condition, a, b], { inputTypes, outputType }) => {
  const { shape, dtype } = outputType;
  const result = allocate(dtype, elementCount(shape));
  const strides = inputTypes.map((type) => broadcastStrides(type.shape, shape));
  return forEachRow(shape, strides, work, result, (start, length, [fromC, fromA, fromB], [stepC, stepA, stepB]) => {
    for (let index = 0; index < length; index++) {
      result[start + index] =
        condition![fromC! + index * stepC!] !== 0 ? a![fromA! + index * stepA!]! : b![fromB! + index * stepB!]!;
    }
  });
};

/** Element by element, with NumPy broadcasting. int32 wraps around: a typed array keeps the low 32 bits. */
export const elementwiseKernels: Pick<KernelTable<TypedArray>, Names> = {
  neg: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  tanh: unary(Math.tanh),
  erf: unary(erf, erfWork),
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

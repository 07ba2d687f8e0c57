import type { Kernel, KernelTable } from '../../src/backend/kernels.ts';
import type { DType } from '../../src/program/dtype.ts';
import type { ConcreteType } from '../../src/program/tensor-type.ts';

/**
 * The oracle of the program tests: every primitive by index arithmetic, one element at a time, in
 * float64 (rounded to the dtype at the end of each op). It shares no code with any backend.
 * A tensor knows no shape: `reshape` may return its operand, so only the call's types count.
 */
export interface RefTensor {
  readonly dtype: DType;
  readonly data: Float64Array;
}

type Shape = readonly number[];
type Coordinates = readonly number[];

const count = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

/** All coordinates of a shape, row-major. */
function* cells(shape: Shape): Generator<number[]> {
  for (let rest = 0; rest < count(shape); rest++) {
    const coordinates: number[] = [];
    let left = rest;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      coordinates.unshift(left % shape[axis]!);
      left = Math.floor(left / shape[axis]!);
    }
    yield coordinates;
  }
}

/** Position of an element; coordinates are aligned at the last axis and a size of 1 stretches. */
function position(shape: Shape, coordinates: Coordinates): number {
  let index = 0;
  shape.forEach((size, axis) => {
    const coordinate = size === 1 ? 0 : coordinates[coordinates.length - shape.length + axis]!;
    if (!(coordinate >= 0 && coordinate < size)) throw new Error(`${coordinates} lies outside of ${shape}`);
    index = index * size + coordinate;
  });
  return index;
}

export function round(dtype: DType, value: number): number {
  if (dtype === 'float64') return value;
  return dtype === 'float32' ? Math.fround(value) : value | 0;
}

function make(type: ConcreteType, element: (coordinates: number[]) => number): RefTensor {
  const data = Float64Array.from(cells(type.shape), (coordinates) => round(type.dtype, element(coordinates)));
  return { dtype: type.dtype, data };
}

/** All terms of this series are positive, so nothing cancels: erf x = 2/sqrt(pi) exp(-x^2) sum 2^k x^(2k+1) / (2k+1)!!. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, total] = [x, x];
  for (let k = 1; k < 200; k++) total += term *= (2 * x * x) / (2 * k + 1);
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

const unary =
  (f: (x: number) => number): Kernel<RefTensor, unknown> =>
  ([x], { inputTypes: [type], outputType }) =>
    make(outputType, (at) => f(x!.data[position(type!.shape, at)]!));

const binary =
  (f: (a: number, b: number) => number): Kernel<RefTensor, unknown> =>
  ([a, b], { inputTypes: [typeA, typeB], outputType }) =>
    make(outputType, (at) => f(a!.data[position(typeA!.shape, at)]!, b!.data[position(typeB!.shape, at)]!));

const reduction =
  (
    start: number,
    f: (total: number, x: number) => number,
  ): Kernel<RefTensor, { axes: readonly number[]; keepDims: boolean }> =>
  ([x], { attributes: { axes }, inputTypes: [type], outputType }) => {
    const kept = type!.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const totals = new Float64Array(count(kept)).fill(start);
    for (const at of cells(type!.shape)) {
      const target = position(kept, at);
      totals[target] = f(totals[target]!, x!.data[position(type!.shape, at)]!);
    }
    return { dtype: outputType.dtype, data: totals.map((value) => round(outputType.dtype, value)) };
  };

const swapLast = (at: Coordinates): number[] => [...at.slice(0, -2), at.at(-1)!, at.at(-2)!];

export const referenceKernels: KernelTable<RefTensor> = {
  neg: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  tanh: unary(Math.tanh),
  erf: unary(erf),
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
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
  sum: reduction(0, (total, x) => total + x),
  max: reduction(-Infinity, Math.max),
  argMax: ([x], { attributes: { axis }, inputTypes: [type], outputType }) =>
    make(outputType, (at) => {
      let best = 0;
      const value = (index: number): number =>
        x!.data[position(type!.shape, [...at.slice(0, axis), index, ...at.slice(axis)])]!;
      for (let index = 1; index < type!.shape[axis]!; index++) if (value(index) > value(best)) best = index;
      return best;
    }),
  matmul: ([a, b], { attributes: { transposeA, transposeB }, inputTypes: [typeA, typeB], outputType }) => {
    const inner = typeA!.shape.at(transposeA ? -2 : -1)!;
    return make(outputType, (at) => {
      const [batch, row, column] = [at.slice(0, -2), at.at(-2)!, at.at(-1)!];
      let total = 0;
      for (let k = 0; k < inner; k++) {
        const [left, right] = [
          [...batch, row, k],
          [...batch, k, column],
        ];
        total +=
          a!.data[position(typeA!.shape, transposeA ? swapLast(left) : left)]! *
          b!.data[position(typeB!.shape, transposeB ? swapLast(right) : right)]!;
      }
      return total;
    });
  },
  reshape: ([x], { outputType }) => ({ dtype: outputType.dtype, data: x!.data.slice() }),
  transpose: ([x], { attributes: { permutation }, inputTypes: [type], outputType }) =>
    make(outputType, (at) => {
      const from: number[] = [];
      permutation.forEach((axis, index) => (from[axis] = at[index]!));
      return x!.data[position(type!.shape, from)]!;
    }),
  broadcastTo: unary((x) => x),
  slice: ([x], { attributes: { starts }, inputTypes: [type], outputType }) =>
    make(
      outputType,
      (at) =>
        x!.data[
          position(
            type!.shape,
            at.map((index, axis) => index + starts[axis]!),
          )
        ]!,
    ),
  concat: (inputs, { attributes: { axis }, inputTypes, outputType }) =>
    make(outputType, (at) => {
      let [part, along] = [0, at[axis]!];
      while (along >= inputTypes[part]!.shape[axis]!) along -= inputTypes[part++]!.shape[axis]!;
      return inputs[part]!.data[position(inputTypes[part]!.shape, at.with(axis, along))]!;
    }),
  gather: ([x, indices], { inputTypes: [type, indexType], outputType }) => {
    const rank = indexType!.shape.length;
    return make(outputType, (at) => {
      const row = indices!.data[position(indexType!.shape, at.slice(0, rank))]!;
      if (!(row >= 0 && row < type!.shape[0]!)) throw new Error(`gather of row ${row}`);
      return x!.data[position(type!.shape, [row, ...at.slice(rank)])]!;
    });
  },
  segmentSum: ([values, ids], { attributes: { sorted }, inputTypes: [type], outputType }) => {
    if (sorted && ids!.data.some((id, index) => index > 0 && id < ids!.data[index - 1]!))
      throw new Error('ids are not sorted');
    const totals = new Float64Array(count(outputType.shape));
    for (const at of cells(type!.shape)) {
      const target = position(outputType.shape, [ids!.data[at[0]!]!, ...at.slice(1)]);
      totals[target]! += values!.data[position(type!.shape, at)]!;
    }
    return { dtype: outputType.dtype, data: totals.map((value) => round(outputType.dtype, value)) };
  },
  constant: (_, { attributes: { data }, outputType }) => ({ dtype: outputType.dtype, data: Float64Array.from(data) }),
  iota: (_, { attributes: { axis }, outputType }) => make(outputType, (at) => at[axis]!),
  cast: unary((x) => x),
  detach: unary((x) => x),
};

import {
  allocate,
  DdclError,
  elementCount,
  stridesOf,
  type ConcreteType,
  type Kernel,
  type KernelTable,
  type TypedArray,
} from '@ddcl/core/backend';
import { erf } from './erf.ts';

/** Your library's tensor. */
export interface Native {
  readonly data: TypedArray;
}

type Shape = readonly number[];

/** For each element of a shape, row-major: where it lies in a tensor with these strides. */
function places(shape: Shape, strides: Shape, first = 0): Int32Array {
  const result = new Int32Array(elementCount(shape));
  const at = shape.map(() => 0);
  let place = first;
  for (let index = 0; index < result.length; index++) {
    result[index] = place;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += strides[axis]!;
      if (++at[axis]! < shape[axis]!) break;
      place -= strides[axis]! * shape[axis]!;
      at[axis] = 0;
    }
  }
  return result;
}

/** The same for an operand that is broadcast to the shape: it does not move along axes where it is stretched. */
function broadcast(operand: Shape, shape: Shape): Int32Array {
  const [own, extra] = [stridesOf(operand), shape.length - operand.length];
  return places(
    shape,
    shape.map((_, axis) => (axis < extra || operand[axis - extra] === 1 ? 0 : own[axis - extra]!)),
  );
}

/** A new tensor; storing rounds to float32, keeps the low 32 bits for int32, and cuts off fractions. */
function make({ dtype, shape }: ConcreteType, element: (index: number) => number): Native {
  const data = allocate(dtype, elementCount(shape));
  for (let index = 0; index < data.length; index++) data[index] = element(index);
  return { data };
}

const unary =
  (f: (x: number) => number): Kernel<Native, unknown> =>
  ([x], { outputType }) =>
    make(outputType, (index) => f(x!.data[index]!));

const binary =
  (f: (a: number, b: number) => number): Kernel<Native, unknown> =>
  ([a, b], { inputTypes, outputType }) => {
    const [fromA, fromB] = inputTypes.map(({ shape }) => broadcast(shape, outputType.shape));
    return make(outputType, (index) => f(a!.data[fromA![index]!]!, b!.data[fromB![index]!]!));
  };

const moved = (x: Native, type: ConcreteType, from: Int32Array): Native => make(type, (index) => x.data[from[index]!]!);

/** Totals by place in double precision, rounded once. */
function totals(
  type: ConcreteType,
  to: Int32Array,
  x: Native,
  start: number,
  f: (a: number, b: number) => number,
): Native {
  const result = new Float64Array(elementCount(type.shape)).fill(start);
  for (let index = 0; index < to.length; index++) result[to[index]!] = f(result[to[index]!]!, x.data[index]!);
  return make(type, (index) => result[index]!);
}

const reduction =
  (start: number, f: (a: number, b: number) => number): Kernel<Native, { readonly axes: Shape }> =>
  ([x], { attributes: { axes }, inputTypes: [type], outputType }) => {
    const kept = type!.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    return totals(outputType, broadcast(kept, type!.shape), x!, start, f);
  };

/** What lies out of range would be read from, or written to, where nothing is. */
function row(op: string, number: number, rows: number): number {
  if (number >= 0 && number < rows) return number;
  throw new DdclError('argument', `${op} got the row ${number}, which is outside 0..${rows - 1}.`, { op });
}

/** One function per primitive; docs/backends says what each means. None changes its operands. */
export const kernels: KernelTable<Native> = {
  neg: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  tanh: unary(Math.tanh),
  erf: unary(erf),
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  // A product of two int32 does not fit into a double.
  mul: (inputs, call) => binary(call.outputType.dtype === 'int32' ? Math.imul : (a, b) => a * b)(inputs, call),
  div: binary((a, b) => a / b),
  maximum: binary((a, b) => (a < b ? b : a)),
  minimum: binary((a, b) => (b < a ? b : a)),
  less: binary((a, b) => (a < b ? 1 : 0)),
  equal: binary((a, b) => (a === b ? 1 : 0)),
  select: ([condition, a, b], { inputTypes, outputType }) => {
    const [c, fromA, fromB] = inputTypes.map(({ shape }) => broadcast(shape, outputType.shape));
    return make(outputType, (index) =>
      condition!.data[c![index]!] === 0 ? b!.data[fromB![index]!]! : a!.data[fromA![index]!]!,
    );
  },
  sum: reduction(0, (a, b) => a + b),
  max: reduction(-Infinity, Math.max),
  argMax: ([x], { attributes: { axis }, inputTypes: [type], outputType }) => {
    const strides = stridesOf(type!.shape);
    const starts = places(outputType.shape, strides.toSpliced(axis, 1));
    return make(outputType, (index) => {
      let best = 0;
      const at = (place: number): number => x!.data[starts[index]! + place * strides[axis]!]!;
      // Only what is greater wins: ties go to the lowest index.
      for (let place = 1; place < type!.shape[axis]!; place++) if (at(place) > at(best)) best = place;
      return best;
    });
  },
  matmul: ([a, b], { attributes: { transposeA, transposeB }, inputTypes: [typeA, typeB], outputType }) => {
    const [rows, columns] = outputType.shape.slice(-2) as [number, number];
    const batch = outputType.shape.slice(0, -2);
    const [batchesA, batchesB] = [typeA!, typeB!].map(({ shape }) => broadcast(shape.slice(0, -2), batch));
    const [sizeA, sizeB] = [typeA!, typeB!].map(({ shape }) => elementCount(shape.slice(-2)));
    const [lastA, lastB] = [typeA!.shape.at(-1)!, typeB!.shape.at(-1)!];
    const inner = transposeA ? typeA!.shape.at(-2)! : lastA;
    const [rowA, stepA] = transposeA ? [1, lastA] : [lastA, 1];
    const [stepB, columnB] = transposeB ? [1, lastB] : [lastB, 1];
    return make(outputType, (index) => {
      const place = Math.floor(index / (rows * columns));
      let fromA = batchesA![place]! * sizeA! + (Math.floor(index / columns) % rows) * rowA;
      let fromB = batchesB![place]! * sizeB! + (index % columns) * columnB;
      let total = 0;
      for (let k = 0; k < inner; k++, fromA += stepA, fromB += stepB) total += a!.data[fromA]! * b!.data[fromB]!;
      return total;
    });
  },
  // These may give their operand: core counts who needs it.
  reshape: ([x]) => x!,
  detach: ([x]) => x!,
  transpose: ([x], { attributes: { permutation }, inputTypes: [type], outputType }) => {
    const strides = stridesOf(type!.shape);
    return moved(
      x!,
      outputType,
      places(
        outputType.shape,
        permutation.map((axis) => strides[axis]!),
      ),
    );
  },
  broadcastTo: ([x], { inputTypes: [type], outputType }) =>
    moved(x!, outputType, broadcast(type!.shape, outputType.shape)),
  slice: ([x], { attributes: { starts }, inputTypes: [type], outputType }) => {
    const strides = stridesOf(type!.shape);
    const first = starts.reduce((total, start, axis) => total + start * strides[axis]!, 0);
    return moved(x!, outputType, places(outputType.shape, strides, first));
  },
  concat: (inputs, { attributes: { axis }, inputTypes, outputType }) => {
    const data = allocate(outputType.dtype, elementCount(outputType.shape));
    const strides = stridesOf(outputType.shape);
    let first = 0;
    inputs.forEach((input, operand) => {
      const { shape } = inputTypes[operand]!;
      places(shape, strides, first).forEach((place, index) => (data[place] = input.data[index]!));
      first += shape[axis]! * strides[axis]!;
    });
    return { data };
  },
  gather: ([x, rows], { inputTypes: [type], outputType }) => {
    const width = elementCount(type!.shape.slice(1));
    return make(outputType, (index) => {
      const from = row('gather', rows!.data[Math.floor(index / width)]!, type!.shape[0]!);
      return x!.data[from * width + (index % width)]!;
    });
  },
  segmentSum: ([x, ids], { outputType }) => {
    const width = elementCount(outputType.shape.slice(1));
    const to = Int32Array.from(x!.data, (_, index) => {
      const id = row('segmentSum', ids!.data[Math.floor(index / width)]!, outputType.shape[0]!);
      return id * width + (index % width);
    });
    return totals(outputType, to, x!, 0, (a, b) => a + b);
  },
  constant: (_, { attributes: { data } }) => ({ data: data.slice() }),
  iota: (_, { attributes: { axis }, outputType }) => {
    const inner = elementCount(outputType.shape.slice(axis + 1));
    return make(outputType, (index) => Math.floor(index / inner) % outputType.shape[axis]!);
  },
  cast: unary((x) => x),
};

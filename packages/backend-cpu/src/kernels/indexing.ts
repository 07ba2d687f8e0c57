import {
  fromFloat16,
  allocate,
  DdclError,
  elementCount,
  type DType,
  type KernelTable,
  type TypedArray,
} from '@ddcl/core/backend';

function requireIndex(op: string, what: string, value: number, bound: number): void {
  if (value >= 0 && value < bound) return;
  throw new DdclError('argument', `${op} got the ${what} ${value}, which is outside 0..${bound - 1}.`, { op });
}

function castFromHalf(bits: Uint16Array, dtype: DType): TypedArray {
  const numbers = fromFloat16(bits);
  if (dtype === 'float32') return numbers;
  const result = allocate(dtype, numbers.length);
  result.set(numbers);
  return result;
}

/** Rows by number, sums by segment, and values made from nothing. */
export const indexingKernels: Pick<KernelTable<TypedArray>, 'gather' | 'segmentSum' | 'constant' | 'iota' | 'cast'> = {
  gather: ([x, indices], { inputTypes: [type], outputType: { dtype, shape } }) => {
    const result = allocate(dtype, elementCount(shape));
    const rows = type!.shape[0]!;
    const width = elementCount(type!.shape.slice(1));
    for (let place = 0; place < indices!.length; place++) {
      const row = indices![place]!;
      requireIndex('gather', 'index', row, rows);
      result.set(x!.subarray(row * width, (row + 1) * width), place * width);
    }
    return result;
  },
  segmentSum: ([values, ids], { outputType: { dtype, shape } }) => {
    // Doubles, so that float32 sums over many rows are rounded once.
    const totals = new Float64Array(elementCount(shape));
    const segments = shape[0]!;
    const width = elementCount(shape.slice(1));
    for (let row = 0; row < ids!.length; row++) {
      const id = ids![row]!;
      requireIndex('segmentSum', 'id', id, segments);
      for (let column = 0; column < width; column++) totals[id * width + column]! += values![row * width + column]!;
    }
    if (dtype === 'float64') return totals;
    const result = allocate(dtype, totals.length);
    for (let index = 0; index < totals.length; index++) result[index] = totals[index]!;
    return result;
  },
  constant: (_, { attributes: { data } }) => data.slice(),
  iota: (_, { attributes: { axis }, outputType: { dtype, shape } }) => {
    const result = allocate(dtype, elementCount(shape));
    const inner = elementCount(shape.slice(axis + 1));
    for (let index = 0; index < result.length; index++) result[index] = Math.floor(index / inner) % shape[axis]!;
    return result;
  },
  cast: ([x], { inputTypes: [type], outputType }) => {
    if (type!.dtype === 'float16') return castFromHalf(x as Uint16Array, outputType.dtype);
    const result = allocate(outputType.dtype, x!.length);
    // Storing a float in an Int32Array truncates towards zero.
    for (let index = 0; index < result.length; index++) result[index] = x![index]!;
    return result;
  },
};

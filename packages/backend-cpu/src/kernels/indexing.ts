import { fromFloat16, allocate, DdclError, elementCount, type KernelTable, type TypedArray } from '@ddcl/core/backend';
import { castInPieces, copyWork, done, inPieces } from '../arithmetic/pieces.ts';

function requireIndex(op: string, what: string, value: number, bound: number): void {
  if (value >= 0 && value < bound) return;
  throw new DdclError('argument', `${op} got the ${what} ${value}, which is outside 0..${bound - 1}.`, { op });
}

/** What it takes to go from row to row, in multiply-adds. */
const rowWork = 64;

/** Rows by number, sums by segment, and values made from nothing. */
export const indexingKernels: Pick<KernelTable<TypedArray>, 'gather' | 'segmentSum' | 'constant' | 'iota' | 'cast'> = {
  gather: ([x, indices], { inputTypes: [type], outputType: { dtype, shape } }) => {
    const result = allocate(dtype, elementCount(shape));
    const rows = type!.shape[0]!;
    const width = elementCount(type!.shape.slice(1));
    const visit = (from: number, to: number): void => {
      for (let place = from; place < to; place++) {
        const row = indices![place]!;
        requireIndex('gather', 'index', row, rows);
        result.set(x!.subarray(row * width, (row + 1) * width), place * width);
      }
    };
    return inPieces({ length: indices!.length, work: width + rowWork, visit }, result);
  },
  segmentSum: function* ([values, ids], { outputType: { dtype, shape } }) {
    // Doubles, so that float32 sums over many rows are rounded once.
    const totals = new Float64Array(elementCount(shape));
    const segments = shape[0]!;
    const width = elementCount(shape.slice(1));
    const visit = (from: number, to: number): void => {
      for (let row = from; row < to; row++) {
        const id = ids![row]!;
        requireIndex('segmentSum', 'id', id, segments);
        for (let column = 0; column < width; column++) totals[id * width + column]! += values![row * width + column]!;
      }
    };
    yield* done(inPieces({ length: ids!.length, work: copyWork * width + rowWork, visit }, undefined));
    return dtype === 'float64' ? totals : yield* done(castInPieces(totals, dtype));
  },
  constant: (_, { attributes: { data } }) => data.slice(),
  iota: (_, { attributes: { axis }, outputType: { dtype, shape } }) => {
    const result = allocate(dtype, elementCount(shape));
    const inner = elementCount(shape.slice(axis + 1));
    const visit = (from: number, to: number): void => {
      for (let index = from; index < to; index++) result[index] = Math.floor(index / inner) % shape[axis]!;
    };
    return inPieces({ length: result.length, work: 2 * copyWork, visit }, result);
  },
  cast: ([x], { inputTypes: [type], outputType: { dtype } }) => {
    if (type!.dtype !== 'float16') return castInPieces(x!, dtype);
    const result = allocate(dtype, x!.length);
    const visit = (from: number, to: number): void =>
      result.set(fromFloat16((x as Uint16Array).subarray(from, to)), from);
    return inPieces({ length: x!.length, work: 2 * copyWork, visit }, result);
  },
};

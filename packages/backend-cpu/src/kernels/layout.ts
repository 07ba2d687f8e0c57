import { allocate, elementCount, stridesOf, type KernelTable, type Pieces, type TypedArray } from '@ddcl/core/backend';
import { copyWork, done, inPieces } from '../arithmetic/pieces.ts';
import { broadcastStrides, forEachRow } from './broadcast.ts';

/** A new array whose element at each place is read from `x` along given strides, starting at `offset`. */
function gatherStrided(
  x: TypedArray,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
  like: TypedArray,
): TypedArray | Pieces<TypedArray> {
  const result = like;
  return forEachRow(shape, [strides], 2 * copyWork, result, (start, length, [from], [step]) => {
    for (let index = 0; index < length; index++) result[start + index] = x[offset + from! + index * step!]!;
  });
}

/** What it takes to go from row to row, in multiply-adds. */
const rowWork = 64;

/** Ops that only move elements. */
export const layoutKernels: Pick<
  KernelTable<TypedArray>,
  'reshape' | 'transpose' | 'broadcastTo' | 'slice' | 'concat' | 'detach'
> = {
  reshape: ([x]) => x!,
  detach: ([x]) => x!,
  transpose: ([x], { attributes: { permutation }, inputTypes: [type], outputType }) => {
    const own = stridesOf(type!.shape);
    const strides = permutation.map((axis) => own[axis]!);
    return gatherStrided(x!, outputType.shape, strides, 0, allocate(outputType.dtype, x!.length));
  },
  broadcastTo: ([x], { inputTypes: [type], outputType: { dtype, shape } }) =>
    gatherStrided(x!, shape, broadcastStrides(type!.shape, shape), 0, allocate(dtype, elementCount(shape))),
  slice: ([x], { attributes: { starts }, inputTypes: [type], outputType: { dtype, shape } }) => {
    const strides = stridesOf(type!.shape);
    const offset = starts.reduce((total, start, axis) => total + start * strides[axis]!, 0);
    return gatherStrided(x!, shape, strides, offset, allocate(dtype, elementCount(shape)));
  },
  concat: function* (inputs, { attributes: { axis }, inputTypes, outputType: { dtype, shape } }) {
    const result = allocate(dtype, elementCount(shape));
    const outer = elementCount(shape.slice(0, axis));
    const width = elementCount(shape.slice(axis));
    let place = 0;
    for (const [index, input] of inputs.entries()) {
      const own = elementCount(inputTypes[index]!.shape.slice(axis));
      const at = place;
      const visit = (from: number, to: number): void => {
        for (let row = from; row < to; row++) result.set(input.subarray(row * own, (row + 1) * own), row * width + at);
      };
      yield* done(inPieces({ length: outer, work: own + rowWork, visit }, undefined));
      place += own;
    }
    return result;
  },
};

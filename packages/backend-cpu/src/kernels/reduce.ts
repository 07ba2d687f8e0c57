import { elementCount, type DType, type KernelTable, type Pieces, type TypedArray } from '@ddcl/core/backend';
import { castInPieces, copyWork, done, inPieces } from '../arithmetic/pieces.ts';

/** A tensor seen as [outer, reduced, inner]: what lies before, on and after a run of reduced axes. */
interface Split {
  readonly outer: number;
  readonly reduced: number;
  readonly inner: number;
}

function splitAt(shape: readonly number[], first: number, last: number): Split {
  return {
    outer: elementCount(shape.slice(0, first)),
    reduced: elementCount(shape.slice(first, last + 1)),
    inner: elementCount(shape.slice(last + 1)),
  };
}

/** Reduces some rows of `inner` numbers, in order, into results [outer, inner]; `data` may be in double precision whatever the dtype. */
type ReduceRows = (data: TypedArray, split: Split, from: number, to: number, into: Float64Array) => void;

interface Reduction {
  readonly start: number;
  readonly rows: ReduceRows;
}

/** Sums in double precision, so that float32 results are rounded once. */
const sums: Reduction = {
  start: 0,
  rows(data, { reduced, inner }, from, to, into) {
    for (let row = from; row < to;) {
      const block = Math.floor(row / reduced);
      const end = Math.min(to, (block + 1) * reduced);
      if (inner === 1) {
        let total = into[block]!;
        for (; row < end; row++) total += data[row]!;
        into[block] = total;
      }
      for (; row < end; row++) {
        const start = row * inner;
        for (let column = 0; column < inner; column++) into[block * inner + column]! += data[start + column]!;
      }
    }
  },
};

const maxima: Reduction = {
  start: -Infinity,
  rows(data, { reduced, inner }, from, to, into) {
    for (let row = from; row < to;) {
      const block = Math.floor(row / reduced);
      const end = Math.min(to, (block + 1) * reduced);
      for (; row < end; row++) {
        const start = row * inner;
        for (let column = 0; column < inner; column++) {
          const value = data[start + column]!;
          if (value > into[block * inner + column]!) into[block * inner + column] = value;
        }
      }
    }
  },
};

/** Reduces the runs of neighbouring axes one after the other, last run first. */
function* reduceAxes(
  x: TypedArray,
  shape: readonly number[],
  axes: readonly number[],
  { start: initial, rows }: Reduction,
  dtype: DType,
): Pieces<TypedArray> {
  let data: TypedArray = x;
  const left = [...shape];
  let end = axes.length - 1;
  while (end >= 0) {
    let start = end;
    while (start > 0 && axes[start - 1] === axes[start]! - 1) start--;
    const split = splitAt(left, axes[start]!, axes[end]!);
    const into = new Float64Array(split.outer * split.inner).fill(initial);
    const source = data;
    const visit = (from: number, to: number): void => rows(source, split, from, to, into);
    const reducing = inPieces(
      { length: split.outer * split.reduced, work: copyWork * (split.inner + 1), visit },
      undefined,
    );
    if (reducing !== undefined) yield* reducing;
    data = into;
    for (let axis = axes[start]!; axis <= axes[end]!; axis++) left[axis] = 1;
    end = start - 1;
  }
  return dtype === 'float64' && data instanceof Float64Array ? data : yield* done(castInPieces(data, dtype));
}

/** Of some rows of `inner` numbers the places of the largest so far. Only a strictly greater value wins, so ties go to the lowest index. */
function largest(x: TypedArray, { reduced, inner }: Split, from: number, to: number, places: Int32Array): void {
  for (let row = from; row < to;) {
    const block = Math.floor(row / reduced);
    const first = block * reduced;
    const end = Math.min(to, first + reduced);
    for (let column = 0; column < inner; column++) {
      let best = places[block * inner + column]!;
      for (let place = row - first; place < end - first; place++)
        if (x[(first + place) * inner + column]! > x[(first + best) * inner + column]!) best = place;
      places[block * inner + column] = best;
    }
    row = end;
  }
}

/** Sums, maxima and their places. */
export const reduceKernels: Pick<KernelTable<TypedArray>, 'sum' | 'max' | 'argMax'> = {
  sum: ([x], { attributes, inputTypes: [type], outputType: { dtype } }) =>
    reduceAxes(x!, type!.shape, attributes.axes, sums, dtype),
  max: ([x], { attributes, inputTypes: [type], outputType: { dtype } }) =>
    reduceAxes(x!, type!.shape, attributes.axes, maxima, dtype),
  argMax: ([x], { attributes: { axis }, inputTypes: [type] }) => {
    const split = splitAt(type!.shape, axis, axis);
    const places = new Int32Array(split.outer * split.inner);
    const visit = (from: number, to: number): void => largest(x!, split, from, to, places);
    return inPieces({ length: split.outer * split.reduced, work: copyWork * (split.inner + 1), visit }, places);
  },
};

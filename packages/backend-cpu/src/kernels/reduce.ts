import { allocate, elementCount, type KernelTable, type TypedArray } from '@ddcl/core/backend';

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

/** Reduces one run of neighbouring axes; `data` may be in double precision whatever the dtype. */
type Reduce = (data: TypedArray, split: Split) => Float64Array;

/** Sums in double precision, so that float32 results are rounded once. */
const sumRun: Reduce = (data, { outer, reduced, inner }) => {
  const totals = new Float64Array(outer * inner);
  for (let block = 0; block < outer; block++) {
    if (inner === 1) {
      let total = 0;
      for (let index = block * reduced; index < (block + 1) * reduced; index++) total += data[index]!;
      totals[block] = total;
      continue;
    }
    for (let row = 0; row < reduced; row++) {
      const start = (block * reduced + row) * inner;
      for (let column = 0; column < inner; column++) totals[block * inner + column]! += data[start + column]!;
    }
  }
  return totals;
};

const maxRun: Reduce = (data, { outer, reduced, inner }) => {
  const highest = new Float64Array(outer * inner).fill(-Infinity);
  for (let block = 0; block < outer; block++) {
    for (let row = 0; row < reduced; row++) {
      const start = (block * reduced + row) * inner;
      for (let column = 0; column < inner; column++) {
        const value = data[start + column]!;
        if (value > highest[block * inner + column]!) highest[block * inner + column] = value;
      }
    }
  }
  return highest;
};

/** Reduces the runs of neighbouring axes one after the other, last run first. */
function reduceAxes(
  x: TypedArray,
  shape: readonly number[],
  axes: readonly number[],
  reduce: Reduce,
): Float64Array | TypedArray {
  let data: TypedArray = x;
  const left = [...shape];
  let end = axes.length - 1;
  while (end >= 0) {
    let start = end;
    while (start > 0 && axes[start - 1] === axes[start]! - 1) start--;
    data = reduce(data, splitAt(left, axes[start]!, axes[end]!));
    for (let axis = axes[start]!; axis <= axes[end]!; axis++) left[axis] = 1;
    end = start - 1;
  }
  return data;
}

function store(values: TypedArray, dtype: Parameters<typeof allocate>[0]): TypedArray {
  if (dtype === 'float64' && values instanceof Float64Array) return values;
  const result = allocate(dtype, values.length);
  // Plain assignment keeps the low 32 bits for int32 sums up to 2^53.
  for (let index = 0; index < values.length; index++) result[index] = values[index]!;
  return result;
}

/** Sums, maxima and their places. */
export const reduceKernels: Pick<KernelTable<TypedArray>, 'sum' | 'max' | 'argMax'> = {
  sum: ([x], { attributes, inputTypes: [type], outputType }) =>
    store(reduceAxes(x!, type!.shape, attributes.axes, sumRun), outputType.dtype),
  max: ([x], { attributes, inputTypes: [type], outputType }) =>
    store(reduceAxes(x!, type!.shape, attributes.axes, maxRun), outputType.dtype),
  argMax: ([x], { attributes: { axis }, inputTypes: [type] }) => {
    const { outer, reduced, inner } = splitAt(type!.shape, axis, axis);
    const places = new Int32Array(outer * inner);
    for (let block = 0; block < outer; block++) {
      for (let column = 0; column < inner; column++) {
        let best = 0;
        for (let row = 1; row < reduced; row++) {
          const at = (place: number): number => x![(block * reduced + place) * inner + column]!;
          // Only a strictly greater value wins, so ties go to the lowest index.
          if (at(row) > at(best)) best = row;
        }
        places[block * inner + column] = best;
      }
    }
    return places;
  },
};

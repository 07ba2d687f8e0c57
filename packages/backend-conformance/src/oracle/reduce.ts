import { elementCount, type Kernel, type KernelTable } from '@ddcl/core/backend';
import { broadcastSources } from './broadcast-sources.ts';
import { make, position, rounded, type RefTensor } from './tensor.ts';

const reduction =
  (
    start: number,
    f: (total: number, x: number) => number,
  ): Kernel<RefTensor, { readonly axes: readonly number[]; readonly keepDims: boolean }> =>
  ([x], { attributes: { axes }, inputTypes: [type], outputType }) => {
    const kept = type!.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const totals = new Float64Array(elementCount(kept)).fill(start);
    const targets = broadcastSources(kept, type!.shape);
    for (let index = 0; index < targets.length; index++) {
      const target = targets[index]!;
      totals[target] = f(totals[target]!, x!.data[index]!);
    }
    return rounded(outputType, totals);
  };

/** Sums in double precision, maxima and their places. */
export const reduceKernels: Pick<KernelTable<RefTensor>, 'sum' | 'max' | 'argMax'> = {
  sum: reduction(0, (total, x) => total + x),
  max: reduction(-Infinity, Math.max),
  argMax: ([x], { attributes: { axis }, inputTypes: [type], outputType }) =>
    make(outputType, (at) => {
      const place = [...at.slice(0, axis), 0, ...at.slice(axis)];
      const value = (index: number): number => {
        place[axis] = index;
        return x!.data[position(type!.shape, place)]!;
      };
      let best = 0;
      // Only a strictly greater value wins, so ties go to the lowest index.
      for (let index = 1; index < type!.shape[axis]!; index++) if (value(index) > value(best)) best = index;
      return best;
    }),
};

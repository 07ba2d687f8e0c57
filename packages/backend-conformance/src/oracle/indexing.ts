import { elementCount, type KernelTable } from '@ddcl/core/backend';
import { cells, make, position, rounded, type RefTensor } from './tensor.ts';

/** Rows by number, sums by segment, and values made from nothing. */
export const indexingKernels: Pick<KernelTable<RefTensor>, 'gather' | 'segmentSum' | 'constant' | 'iota'> = {
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
    const totals = new Float64Array(elementCount(outputType.shape));
    let index = 0;
    for (const at of cells(type!.shape)) {
      const target = position(outputType.shape, [ids!.data[at[0]!]!, ...at.slice(1)]);
      totals[target]! += values!.data[index++]!;
    }
    return rounded(outputType, totals);
  },
  constant: (_, { attributes: { data }, outputType }) => ({ dtype: outputType.dtype, data: Float64Array.from(data) }),
  iota: (_, { attributes: { axis }, outputType }) => make(outputType, (at) => at[axis]!),
};

import { elementCount, type KernelTable } from '@ddcl/core/backend';
import { make, position, rounded, type RefTensor } from './tensor.ts';

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
    const width = elementCount(type!.shape.slice(1));
    for (let index = 0; index < values!.data.length; index++) {
      const id = ids!.data[Math.floor(index / width)]!;
      if (!(id >= 0 && id < outputType.shape[0]!)) throw new Error(`segmentSum into segment ${id}`);
      totals[id * width + (index % width)]! += values!.data[index]!;
    }
    return rounded(outputType, totals);
  },
  constant: (_, { attributes: { data }, outputType }) => ({ dtype: outputType.dtype, data: Float64Array.from(data) }),
  iota: (_, { attributes: { axis }, outputType }) => make(outputType, (at) => at[axis]!),
};

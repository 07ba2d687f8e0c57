import { elementCount, stridesOf, type KernelTable } from '@ddcl/core/backend';
import { broadcastSources } from './broadcast-sources.ts';
import { rounded, type RefTensor } from './tensor.ts';

/** Matrix products, one inner product of rows and columns at a time, in double precision. */
export const matmulKernels: Pick<KernelTable<RefTensor>, 'matmul'> = {
  matmul: ([a, b], { attributes: { transposeA, transposeB }, inputTypes: [typeA, typeB], outputType }) => {
    const [rankA, rankB] = [typeA!.shape.length, typeB!.shape.length];
    const innerA = rankA - (transposeA ? 2 : 1);
    const innerB = rankB - (transposeB ? 1 : 2);
    const inner = typeA!.shape[innerA]!;
    const stepA = stridesOf(typeA!.shape)[innerA]!;
    const stepB = stridesOf(typeB!.shape)[innerB]!;
    const [rows, columns] = outputType.shape.slice(-2) as [number, number];
    const batch = outputType.shape.slice(0, -2);
    const [batchesA, batchesB] = [typeA!, typeB!].map(({ shape }) => broadcastSources(shape.slice(0, -2), batch));
    const [rowA, columnB] = [
      stridesOf(typeA!.shape)[rankA - (transposeA ? 1 : 2)]!,
      stridesOf(typeB!.shape)[rankB - (transposeB ? 2 : 1)]!,
    ];
    const [sizeA, sizeB] = [typeA!, typeB!].map(({ shape }) => elementCount(shape.slice(-2)));
    const result = new Float64Array(elementCount(outputType.shape));
    let made = 0;
    for (let place = 0; place < batchesA!.length; place++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          let fromA = batchesA![place]! * sizeA! + row * rowA;
          let fromB = batchesB![place]! * sizeB! + column * columnB;
          let total = 0;
          for (let k = 0; k < inner; k++, fromA += stepA, fromB += stepB) total += a!.data[fromA]! * b!.data[fromB]!;
          result[made++] = total;
        }
      }
    }
    return rounded(outputType, result);
  },
};

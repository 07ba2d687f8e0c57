import { stridesOf, type KernelTable } from '@ddcl/core/backend';
import { make, position, type RefTensor } from './tensor.ts';

/** Matrix products, one inner product of rows and columns at a time, in double precision. */
export const matmulKernels: Pick<KernelTable<RefTensor>, 'matmul'> = {
  matmul: ([a, b], { attributes: { transposeA, transposeB }, inputTypes: [typeA, typeB], outputType }) => {
    const [rankA, rankB] = [typeA!.shape.length, typeB!.shape.length];
    const innerA = rankA - (transposeA ? 2 : 1);
    const innerB = rankB - (transposeB ? 1 : 2);
    const inner = typeA!.shape[innerA]!;
    const stepA = stridesOf(typeA!.shape)[innerA]!;
    const stepB = stridesOf(typeB!.shape)[innerB]!;
    return make(outputType, (at) => {
      if (inner === 0) return 0;
      const [batch, row, column] = [at.slice(0, -2), at.at(-2)!, at.at(-1)!];
      let [fromA, fromB] = [
        position(typeA!.shape, transposeA ? [...batch, 0, row] : [...batch, row, 0]),
        position(typeB!.shape, transposeB ? [...batch, column, 0] : [...batch, 0, column]),
      ];
      let total = 0;
      for (let k = 0; k < inner; k++, fromA += stepA, fromB += stepB) total += a!.data[fromA]! * b!.data[fromB]!;
      return total;
    });
  },
};

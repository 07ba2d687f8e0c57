import type { KernelTable } from '@ddcl/core/backend';
import { make, position, type RefTensor } from './tensor.ts';

/** Ops that only move elements. */
export const layoutKernels: Pick<KernelTable<RefTensor>, 'reshape' | 'transpose' | 'slice' | 'concat'> = {
  reshape: ([x], { outputType }) => ({ dtype: outputType.dtype, data: x!.data.slice() }),
  transpose: ([x], { attributes: { permutation }, inputTypes: [type], outputType }) =>
    make(outputType, (at) => {
      const from: number[] = [];
      permutation.forEach((axis, index) => (from[axis] = at[index]!));
      return x!.data[position(type!.shape, from)]!;
    }),
  slice: ([x], { attributes: { starts }, inputTypes: [type], outputType }) =>
    make(
      outputType,
      (at) =>
        x!.data[
          position(
            type!.shape,
            at.map((index, axis) => index + starts[axis]!),
          )
        ]!,
    ),
  concat: (inputs, { attributes: { axis }, inputTypes, outputType }) =>
    make(outputType, (at) => {
      let [part, along] = [0, at[axis]!];
      while (along >= inputTypes[part]!.shape[axis]!) along -= inputTypes[part++]!.shape[axis]!;
      return inputs[part]!.data[position(inputTypes[part]!.shape, at.with(axis, along))]!;
    }),
};

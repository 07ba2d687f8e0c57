import type { KernelTable } from '@ddcl/core/backend';
import type { Tfjs, TfTensor } from '../tfjs.ts';

/** Sums and maxima over axes. */
export function reduceKernels(tf: Tfjs): Pick<KernelTable<TfTensor>, 'sum' | 'max' | 'argMax'> {
  return {
    // To tfjs, no axes are all axes.
    sum: ([x], { attributes: { axes, keepDims } }) =>
      axes.length === 0 ? tf.clone(x!) : tf.sum(x!, [...axes], keepDims),
    max: ([x], { attributes: { axes, keepDims } }) =>
      axes.length === 0 ? tf.clone(x!) : tf.max(x!, [...axes], keepDims),
    argMax: ([x], { attributes: { axis } }) => tf.argMax(x!, axis),
  };
}

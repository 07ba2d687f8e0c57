import type { KernelTable } from '@ddcl/core/backend';
import type { Tfjs, TfTensor } from '../tfjs.ts';
import type { Traits } from '../traits.ts';
import { elementwiseKernels } from './elementwise.ts';
import { indexingKernels } from './indexing.ts';
import { layoutKernels } from './layout.ts';
import { matmulKernels } from './matmul.ts';
import { reduceKernels } from './reduce.ts';

/** One function for each primitive, in tfjs ops. They leave what they make on the way to the `tf.tidy` around them. */
export function tfjsKernels(tf: Tfjs, traits: Traits): KernelTable<TfTensor> {
  return {
    ...elementwiseKernels(tf, traits),
    ...reduceKernels(tf),
    ...matmulKernels(tf, traits),
    ...layoutKernels(tf, traits),
    ...indexingKernels(tf),
  };
}

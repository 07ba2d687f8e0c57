import type { KernelTable } from '@ddcl/core/backend';
import { elementwiseKernels } from './elementwise.ts';
import { indexingKernels } from './indexing.ts';
import { layoutKernels } from './layout.ts';
import { matmulKernels } from './matmul.ts';
import { reduceKernels } from './reduce.ts';
import type { RefTensor } from './tensor.ts';

/**
 * The oracle: every primitive by index arithmetic, one element at a time, in float64 (rounded to the dtype at the
 * end of each op). It shares no code with any backend.
 */
export const referenceKernels: KernelTable<RefTensor> = {
  ...elementwiseKernels,
  ...reduceKernels,
  ...matmulKernels,
  ...layoutKernels,
  ...indexingKernels,
};

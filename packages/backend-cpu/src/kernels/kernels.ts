import type { KernelTable, TypedArray } from '@ddcl/core/backend';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { elementwiseKernels } from './elementwise.ts';
import { indexingKernels } from './indexing.ts';
import { layoutKernels } from './layout.ts';
import { matmulKernels } from './matmul.ts';
import { reduceKernels } from './reduce.ts';

/** One function per primitive op: all that a backend needs. */
export function kernels(arithmetic: Arithmetic): KernelTable<TypedArray> {
  return {
    ...elementwiseKernels,
    ...reduceKernels,
    ...matmulKernels(arithmetic),
    ...layoutKernels,
    ...indexingKernels,
  };
}

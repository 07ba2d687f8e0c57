import type { CompositeKernel, TypedArray } from '@ddcl/core/backend';
import { hessianProduct } from './hessian-product.ts';
import { nearest } from './nearest.ts';
import { segmentSums } from './segment-sums.ts';
import { tokenPass } from './token-pass.ts';

/** Composites with a kernel of their own, by versioned name; every other composite runs decomposed. */
export const composites: Readonly<Record<string, CompositeKernel<TypedArray>>> = {
  'ddcl.tokenPass/1': tokenPass,
  'ddcl.nearest/1': nearest,
  'ddcl.hessianProduct/1': hessianProduct,
  'ddcl.segmentSums/1': segmentSums,
};

import type { CompositeKernel, TypedArray } from '@ddcl/core/backend';
import { assign, forward, segmentSums } from './assign.ts';
import { hessianProduct } from './hessian-product.ts';
import { lossAndGradient } from './loss-and-gradient.ts';
import { tokenSums } from './token-sums.ts';

/** Composites with a kernel of their own, by versioned name; every other composite runs decomposed. */
export const composites: Readonly<Record<string, CompositeKernel<TypedArray>>> = {
  'ddcl.assign/1': assign,
  'ddcl.forward/1': forward,
  'ddcl.lossAndGradient/1': lossAndGradient,
  'ddcl.tokenSums/1': tokenSums,
  'ddcl.hessianProduct/1': hessianProduct,
  'ddcl.segmentSums/1': segmentSums,
};

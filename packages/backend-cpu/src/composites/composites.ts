import type { CompositeInPieces, TypedArray } from '@ddcl/core/backend';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { hessianProduct } from './hessian-product.ts';
import { nearest } from './nearest.ts';
import { segmentSums } from './segment-sums.ts';
import { tokenPass } from './token-pass.ts';

/** Composites with a kernel of their own, by versioned name; every other composite runs decomposed. */
export function composites(arithmetic: Arithmetic): Readonly<Record<string, CompositeInPieces<TypedArray>>> {
  return {
    'ddcl.tokenPass/1': tokenPass(arithmetic),
    'ddcl.nearest/1': nearest(arithmetic),
    'ddcl.hessianProduct/1': hessianProduct(arithmetic),
    'ddcl.segmentSums/1': segmentSums(arithmetic),
  };
}

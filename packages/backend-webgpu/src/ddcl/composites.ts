import { tokenPassName } from '@ddcl/core/backend';
import type { CompositeMaker } from '../compile/compile-program.ts';
import { rowComposites } from '../compile/row-ops.ts';
import { hessianProduct } from './hessian-product.ts';
import { nearest } from './nearest.ts';
import { segmentMass, segmentSums } from './segments.ts';
import { tokenPass } from './token-pass.ts';

/** Composites with kernels of their own. The others run decomposed, with these inside them. */
export const fusedComposites: Readonly<Record<string, CompositeMaker>> = {
  ...rowComposites,
  [tokenPassName]: tokenPass,
  'ddcl.nearest/1': nearest,
  'ddcl.hessianProduct/1': hessianProduct,
  'ddcl.segmentMass/1': segmentMass,
  'ddcl.segmentSums/1': segmentSums,
};

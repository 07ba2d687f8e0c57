import { add, matmul, reshape, type Tensor } from '@ddcl/core';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { outerNames } from '../state/outer-tensors.ts';

type Tensors = Readonly<Record<string, Tensor>>;

const affine = (x: Tensor, weight: Tensor, bias: Tensor): Tensor =>
  add(matmul(x, weight), reshape(bias, [1, bias.shape[0]!]));

/** Latents [n, m] to the heads' width. */
export const projectIn = (spec: ResolvedSpec, own: Tensors, z: Tensor): Tensor =>
  spec.projected ? affine(z, own[outerNames.inWeight]!, own[outerNames.inBias]!) : z;

/** Heads side by side [n, H c] back to latents [n, m]. */
export const projectOut = (spec: ResolvedSpec, own: Tensors, y: Tensor): Tensor =>
  spec.projected ? affine(y, own[outerNames.outWeight]!, own[outerNames.outBias]!) : y;

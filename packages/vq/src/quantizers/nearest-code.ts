import { add, argMax, detach, div, gather, matmul, mul, nearest, reshape, sub, sum, type Tensor } from '@ddcl/core';
import type { Use } from './quantizer.ts';

/** The codes' mean as a row: what is taken off latents and codes before any distance, which changes nothing but the rounding. */
export function centreOf(codes: Tensor): Tensor {
  const [count, width] = codes.shape;
  return detach(reshape(div(sum(codes, [0]), Number(count)), [1, width!]));
}

/** Number of the nearest code of each row, int32 [n]; ties go to the lowest. No n x K array where the backend has a kernel. */
export function nearestCode(z: Tensor, codes: Tensor): Tensor {
  const centre = centreOf(codes);
  return nearest({ tokens: detach(sub(z, centre)), prototypes: detach(sub(codes, centre)) }).indices;
}

/** The `k` nearest codes of each row: indices and squared distances, [n, k]. */
export function nearestCodes(
  z: Tensor,
  codes: Tensor,
  k: number,
): { readonly indices: Tensor; readonly distances: Tensor } {
  const centre = centreOf(codes);
  return nearest({ tokens: sub(z, centre), prototypes: sub(codes, centre) }, k);
}

/** `-|z - p|^2 / tau` up to a number per row, [n, K]. */
export function codeLogits(z: Tensor, codes: Tensor, tau: Tensor): Tensor {
  const centre = centreOf(codes);
  const [tokens, prototypes] = [sub(z, centre), sub(codes, centre)];
  const squares = reshape(sum(mul(prototypes, prototypes), [1]), [1, codes.shape[0]!]);
  return div(sub(mul(matmul(tokens, prototypes, { transposeB: true }), 2), squares), tau);
}

/** The nearest code, or in training one drawn from `softmax(-d / tau)`: the largest of logits and Gumbel numbers (Gumbel 1954). */
export function chooseCode({ z, gumbels, controls }: Pick<Use, 'z' | 'gumbels' | 'controls'>, codes: Tensor): Tensor {
  if (gumbels === undefined) return nearestCode(z, codes);
  return argMax(add(detach(codeLogits(z, codes, controls.tau)), gumbels), 1);
}

/** Vectors of codes by number, [n, c]. */
export const codeVectors = (codes: Tensor, indices: Tensor): Tensor => gather(codes, indices);

import { add, detach, div, mul, sub, sum, type Tensor } from '@ddcl/core';
import type { Use } from './quantizer.ts';

/** Weighted mean over tokens of the squared difference per component. */
export function meanSquare({ column, total }: Pick<Use, 'column' | 'total'>, a: Tensor, b: Tensor): Tensor {
  const difference = sub(a, b);
  return div(sum(mul(column, mul(difference, difference))), mul(total, Number(a.shape[1])));
}

/**
 * The two halves of the hard loss, each with a weight and a direction of its own: the code loss `|sg z - h|^2` moves codes only, the
 * commitment `|z - sg h|^2` latents only (van den Oord et al., arXiv 1711.00937).
 */
export function hardLosses(
  use: Use,
  base: Tensor,
  hard: Tensor,
): { loss: Tensor | undefined; reports: Record<string, Tensor> } {
  const { codeWeight, commitment } = use.spec;
  const terms: Tensor[] = [];
  const reports: Record<string, Tensor> = { quantization: detach(meanSquare(use, base, hard)) };
  if (codeWeight > 0) terms.push(mul(meanSquare(use, detach(base), hard), codeWeight));
  if (commitment > 0) terms.push(mul(meanSquare(use, base, detach(hard)), commitment));
  return { loss: terms.length === 0 ? undefined : terms.reduce((all, each) => add(all, each)), reports };
}

import {
  add,
  argMax,
  assign,
  detach,
  div,
  l2Normalize,
  less,
  matmul,
  mul,
  reshape,
  select,
  type Tensor,
} from '@ddcl/core';
import {
  isSegmentOutput,
  needsTokenSums,
  normalizedResiduals,
  occupancies,
  paddedSums,
  pooledOutputs,
  residuals,
  summaries,
  type ReadoutOutput,
} from '@ddcl/core/fit';

/** What outputs are made of: tokens as rows [B L, m], zeros where the weight [B L, 1] is 0. */
export interface ReadoutGiven {
  readonly column: Tensor;
  /** [K, m]. */
  readonly prototypes: Tensor;
  /** [1, m]: what is taken off tokens and prototypes, so that sums keep their digits. */
  readonly centre: Tensor;
  /** Both less the centre, and T. */
  readonly operands: { readonly tokens: Tensor; readonly prototypes: Tensor; readonly temperature: Tensor };
  /** Root of the tokens' total variance. */
  readonly spread: () => Tensor;
}

/** Outputs of a readout as core has them, of batches [B, L] (docs/math.md section 6). Padding gets zeros, and code 0. */
export function readoutLayerOutputs(
  { column, prototypes, centre, operands, spread }: ReadoutGiven,
  [batch, length]: readonly [number, number],
  outputs: readonly ReadoutOutput[],
  normalize: boolean,
): Tensor[] {
  const [count, dimension] = prototypes.shape as [number, number];
  const q = assign(operands);
  const weights = reshape(column, [batch, length]);
  const isToken = less(0, column);
  const segments = outputs.filter(isSegmentOutput);
  const tokens = segments.some(needsTokenSums) ? reshape(operands.tokens, [batch, length, dimension]) : undefined;
  const sums = segments.length > 0 ? paddedSums(reshape(q, [batch, length, count]), weights, tokens) : undefined;
  const perToken = (x: Tensor): Tensor => reshape(select(isToken, x, 0), [batch, length, x.shape[1]!]);
  const unit = (x: Tensor): Tensor => (normalize ? l2Normalize(x) : x);
  const make: Record<ReadoutOutput, () => Tensor> = {
    outputs: () => unit(perToken(add(matmul(q, operands.prototypes), centre))),
    assignments: () => unit(perToken(q)),
    codes: () => mul(argMax(reshape(detach(q), [batch, length, count]), 2), reshape(isToken, [batch, length])),
    pooled: () => unit(pooledOutputs(sums!, prototypes)),
    occupancy: () => unit(occupancies(sums!)),
    summaries: () => unit(summaries(sums!, { scale: 1, offset: centre })),
    residuals: () =>
      normalize
        ? normalizedResiduals(
            { ...sums!, sums: div(sums!.sums!, spread()) },
            div(operands.prototypes, spread()),
            // Both were divided by it, as it is no number of the program but followed.
            1,
          )
        : residuals(sums!, operands.prototypes),
  };
  return outputs.map((output) => make[output]());
}

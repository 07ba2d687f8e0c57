import { concat, detach, div, maximum, neg, reshape, sub, type Tensor } from '@ddcl/core';

/** What a step reports of its batch, per unit of token weight: T_c as it is followed, and of the batch alone. Means over heads and levels. */
export const reportNames = [
  'lq',
  'lols',
  'v',
  'defect',
  'temperature',
  'criticalTemperature',
  'batchCriticalTemperature',
] as const;

export type ReportName = (typeof reportNames)[number];

/** {@link reportNames} as a vector, without gradient. The defect is `|L_q - L_OLS - V| / L_q`. */
export function reportVector(
  losses: { readonly lq: Tensor; readonly lols: Tensor; readonly v: Tensor },
  temperatures: { readonly temperature: Tensor; readonly critical: Tensor; readonly batchCritical: Tensor },
): Tensor {
  const { lq, lols, v } = losses;
  const off = sub(sub(lq, lols), v);
  const defect = div(maximum(off, neg(off)), maximum(lq, 1e-30));
  const { temperature, critical, batchCritical } = temperatures;
  const all = [lq, lols, v, defect, temperature, critical, batchCritical];
  return detach(
    concat(
      all.map((each) => reshape(each, [1])),
      0,
    ),
  );
}

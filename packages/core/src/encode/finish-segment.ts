import type { PrototypeState } from '../measure/prototype-state.ts';

/**
 * What a segment of tokens is turned into (docs/math.md section 6).
 *
 * - `occupancy`: `o_k = sum a q_nk / sum a`, K numbers that sum to 1
 * - `pooled`: `sum_k o_k p_k`, the mean output, m numbers; it has at most K - 1 degrees of freedom
 * - `summaries`: `s_k = sum a q_nk z_n / sum a q_nk`, K * m numbers
 */
export type SegmentOutput = 'occupancy' | 'pooled' | 'summaries';

/** Sums over a segment's tokens, in the model's frame. */
export interface SegmentTotals {
  /** `sum a q_nk`, [K]. */
  readonly mass: Float64Array;
  /** `sum a q_nk (z_n - offset) / scale`, [K, m]; only for summaries. */
  readonly sums: Float64Array | undefined;
  /** `sum a`. */
  readonly weight: number;
}

/** Numbers that a segment's row has. */
export function segmentWidth(
  what: SegmentOutput,
  { count, dimension }: Pick<PrototypeState, 'count' | 'dimension'>,
): number {
  return what === 'occupancy' ? count : what === 'pooled' ? dimension : count * dimension;
}

/** One segment's row, in the tokens' units; zeros for a segment without weight. A summary without mass is zeros too. */
export function finishSegment(
  totals: SegmentTotals | undefined,
  what: SegmentOutput,
  state: PrototypeState,
): Float64Array {
  const { count, dimension, absolute, frame } = state;
  const row = new Float64Array(segmentWidth(what, state));
  if (totals === undefined || !(totals.weight > 0)) return row;
  const { mass, sums, weight } = totals;
  for (let k = 0; k < count; k++) {
    if (what === 'occupancy') row[k] = mass[k]! / weight;
    if (!(mass[k]! > 0) || what === 'occupancy') continue;
    for (let axis = 0; axis < dimension; axis++) {
      if (what === 'pooled') row[axis]! += (mass[k]! / weight) * absolute[k * dimension + axis]!;
      else row[k * dimension + axis] = (sums![k * dimension + axis]! / mass[k]!) * frame.scale + frame.offset[axis]!;
    }
  }
  return row;
}

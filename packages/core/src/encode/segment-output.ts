import {
  normalizedResiduals,
  occupancies,
  pooledOutputs,
  residuals,
  summaries,
  type ReadoutSums,
} from '../ddcl/readout.ts';
import { mul } from '../program/ops/elementwise.ts';
import type { Tensor } from '../program/trace.ts';
import type { SegmentOutput } from './outputs.ts';

/** How tokens are seen while they are summed, `x = (z - offset) / scale`, and how to come back. */
export interface ReadoutFrame {
  /** Prototypes in the frame, [K, m]. */
  readonly prototypes: Tensor;
  /** Prototypes in the tokens' own units, [K, m]. */
  readonly values: Tensor;
  /** [m]; left out where no offset is taken off. */
  readonly offset?: Tensor | undefined;
  readonly scale: number;
  /** Root of the tokens' total variance, in their own units. */
  readonly spread: number;
}

/**
 * One output of segments from their sums, in the tokens' units: [S, K], [S, m] or [S, K, m].
 *
 * @param isNormalized whether residuals get length 1, prototype by prototype, then as a whole; others are not touched by it
 */
export function segmentOutput(
  output: SegmentOutput,
  sums: ReadoutSums,
  { prototypes, values, offset, scale, spread }: ReadoutFrame,
  isNormalized: boolean,
): Tensor {
  switch (output) {
    case 'occupancy':
      return occupancies(sums);
    case 'pooled':
      return pooledOutputs(sums, values);
    case 'summaries':
      return summaries(sums, { scale, offset });
    case 'residuals': {
      if (isNormalized) return normalizedResiduals(sums, prototypes, spread / scale);
      const own = residuals(sums, prototypes);
      return scale === 1 ? own : mul(own, scale);
    }
  }
}

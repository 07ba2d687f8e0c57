import {
  normalisedResiduals,
  occupancies,
  pooledOutputs,
  residuals,
  summaries,
  type ReadoutSums,
} from '../ddcl/readout.ts';
import type { FloatDType } from '../program/dtype.ts';
import { mul } from '../program/ops/elementwise.ts';
import type { Program } from '../program/program.ts';
import { tensorType, type TensorType } from '../program/tensor-type.ts';
import { trace, type Tensor } from '../program/trace.ts';
import { needsTokenSums, type SegmentOutput } from './outputs.ts';

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
 * @param isNormalised whether residuals get length 1, prototype by prototype, then as a whole; others are not touched by it
 */
export function segmentOutput(
  output: SegmentOutput,
  sums: ReadoutSums,
  { prototypes, values, offset, scale, spread }: ReadoutFrame,
  isNormalised: boolean,
): Tensor {
  switch (output) {
    case 'occupancy':
      return occupancies(sums);
    case 'pooled':
      return pooledOutputs(sums, values);
    case 'summaries':
      return summaries(sums, { scale, offset });
    case 'residuals': {
      if (isNormalised) return normalisedResiduals(sums, prototypes, spread / scale);
      const own = residuals(sums, prototypes);
      return scale === 1 ? own : mul(own, scale);
    }
  }
}

export interface FinishOptions {
  /** Segments at once. */
  readonly rows: number;
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  readonly outputs: readonly SegmentOutput[];
  readonly isNormalised: boolean;
  readonly isFramed: boolean;
  readonly scale: number;
  readonly spread: number;
}

/**
 * The outputs of segments whose sums were added up from parts: (weight [S, 1], mass [S, K], prototypes in the frame [K, m] and in the
 * tokens' units [K, m], offset [m], and the token sums [S, K, m] where an output needs them).
 */
export function finishProgram(options: FinishOptions): Program {
  const { rows, count, dimension, dtype, outputs, isNormalised, isFramed, scale, spread } = options;
  const type = (...shape: number[]): TensorType => tensorType(dtype, shape);
  return trace(
    [
      type(rows, 1),
      type(rows, count),
      type(count, dimension),
      type(count, dimension),
      type(dimension),
      ...(outputs.some(needsTokenSums) ? [type(rows, count, dimension)] : []),
    ],
    (weight, mass, prototypes, values, offset, sums) => {
      const frame = { prototypes, values, offset: isFramed ? offset : undefined, scale, spread };
      return outputs.map((output) => segmentOutput(output, { weight, mass, sums }, frame, isNormalised));
    },
    `finish ${outputs.join('+')}`,
  );
}

import {
  argMax,
  matmul,
  reshape,
  sub,
  tensorType,
  trace,
  type FloatDType,
  type Program,
  type Tensor,
  type TensorType,
} from '@ddcl/core';
import { assignByKeys, isSegmentOutput, paddedSums, segmentOutput, type ReadoutOutput } from '@ddcl/core/fit';

/** What one run over padded sequences can return: outputs, or, of parts of sequences, the sums of which outputs are made. */
export type RunResult = ReadoutOutput | 'mass' | 'sums';

export interface EncodeProgramSizes {
  readonly rows: number;
  readonly length: number;
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  /** Take the offset off the tokens before the product; needed where the tokens lie far from 0 (see core's `readoutTerms`). */
  readonly isFramed: boolean;
  /** Whether residuals get length 1. */
  readonly isNormalized: boolean;
  /** Root of the tokens' total variance. */
  readonly spread: number;
  readonly results: readonly RunResult[];
}

/**
 * The readout of [rows, length, m] tokens in one pass: (tokens, weights [rows, length], keys [m, K], bias [K], prototypes less the offset
 * [K, m], prototypes [K, m], offset [m]) to the results that are asked for: [rows, ...] per sequence, [rows, length, ...] per token. `sums`
 * are of tokens less the offset where framed.
 */
export function encodeProgram(sizes: EncodeProgramSizes): Program {
  const { rows, length, count, dimension, dtype, isFramed, isNormalized, spread, results } = sizes;
  const type = (...shape: number[]): TensorType => tensorType(dtype, shape);
  return trace(
    [
      type(rows, length, dimension),
      type(rows, length),
      type(dimension, count),
      type(count),
      type(count, dimension),
      type(count, dimension),
      type(dimension),
    ],
    (z, weights, keys, bias, prototypes, values, offset) => {
      const flat = reshape(z, [rows * length, dimension]);
      const shifted = isFramed ? sub(flat, offset) : flat;
      const q = assignByKeys(shifted, keys, bias);
      const byRow = reshape(q, [rows, length, count]);
      const sums = paddedSums(byRow, weights, reshape(shifted, [rows, length, dimension]));
      const frame = { prototypes, values, offset: isFramed ? offset : undefined, scale: 1, spread };
      const make = (result: RunResult): Tensor => {
        if (result === 'mass') return sums.mass;
        if (result === 'sums') return sums.sums!;
        if (isSegmentOutput(result)) return segmentOutput(result, sums, frame, isNormalized);
        if (result === 'codes') return reshape(argMax(q, 1), [rows, length]);
        return result === 'assignments' ? byRow : reshape(matmul(q, values), [rows, length, dimension]);
      };
      return results.map(make);
    },
    `readout ${results.join('+')}`,
  );
}

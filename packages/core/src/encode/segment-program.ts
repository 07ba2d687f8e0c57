import { segmentMass, segmentSums } from '../ddcl/segments.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { Program } from '../program/program.ts';
import { tensorType } from '../program/tensor-type.ts';
import { trace } from '../program/trace.ts';

export interface SegmentProgramSizes {
  /** Tokens per block. */
  readonly rows: number;
  /** Segments that one block may touch. */
  readonly segments: number;
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  /** Whether token sums are wanted beside the mass. */
  readonly withSums: boolean;
}

/** The program of one block: (tokens, weights, prototypes, temperature, ids) to (mass) or (mass, sums). */
export function segmentProgram({ rows, segments, count, dimension, dtype, withSums }: SegmentProgramSizes): Program {
  return trace(
    [
      tensorType(dtype, [rows, dimension]),
      tensorType(dtype, [rows]),
      tensorType(dtype, [count, dimension]),
      tensorType(dtype, []),
      tensorType('int32', [rows]),
    ],
    (tokens, weights, prototypes, temperature, ids) => {
      const operands = { tokens, weights, prototypes, temperature, ids };
      if (!withSums) return [segmentMass(operands, segments)];
      const { mass, sums } = segmentSums(operands, segments);
      return [mass, sums];
    },
    'encode segments',
  );
}

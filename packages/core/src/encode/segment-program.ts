import { segmentMass, segmentSums } from '../ddcl/segments.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { Program } from '../program/program.ts';
import { tensorType } from '../program/tensor-type.ts';
import { trace } from '../program/trace.ts';
import { frameParameters, framedTokens, type TokenDType } from '../tokens/token-feed.ts';

export interface SegmentProgramSizes {
  /** Tokens per block. */
  readonly rows: number;
  /** Segments that one block may touch. */
  readonly segments: number;
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  /** In which the tokens come. */
  readonly tokenDtype: TokenDType;
  /** Whether token sums are wanted beside the mass. */
  readonly withSums: boolean;
}

/** The program of one block: (tokens, weights, prototypes, temperature, ids, ...frame) to (mass) or (mass, sums). */
export function segmentProgram(sizes: SegmentProgramSizes): Program {
  const { rows, segments, count, dimension, dtype, tokenDtype, withSums } = sizes;
  return trace(
    [
      tensorType(tokenDtype, [rows, dimension]),
      tensorType(dtype, [rows]),
      tensorType(dtype, [count, dimension]),
      tensorType(dtype, []),
      tensorType('int32', [rows]),
      ...frameParameters(tokenDtype, dimension),
    ],
    (tokens, weights, prototypes, temperature, ids, ...frame) => {
      const operands = { tokens: framedTokens(tokens, frame), weights, prototypes, temperature, ids };
      if (!withSums) return [segmentMass(operands, segments)];
      const { mass, sums } = segmentSums(operands, segments);
      return [mass, sums];
    },
    'encode segments',
  );
}

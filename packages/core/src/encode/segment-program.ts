import { segmentMass, segmentSums } from '../ddcl/segments.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';
import { tokenProgram, type TokenProgram } from '../pass/token-program.ts';
import { tensorType } from '../program/tensor-type.ts';

export interface SegmentSizes {
  /** Tokens of a block. */
  readonly rows: number;
  /** Segments that one block may touch. */
  readonly segments: number;
  /** Whether token sums are wanted beside the mass. */
  readonly withSums: boolean;
}

/** The sums of one block, of (prototypes, temperature, ids): (mass) or (mass, sums), for each of its segments. */
export function segmentProgram(
  { count, dimension, dtype }: PrototypeState,
  { rows, segments, withSums }: SegmentSizes,
): TokenProgram {
  return tokenProgram(
    'encode segments',
    [tensorType(dtype, [count, dimension]), tensorType(dtype, []), tensorType('int32', [rows])],
    (tokens, weights, prototypes, temperature, ids) => {
      const operands = { tokens, weights, prototypes, temperature, ids };
      if (!withSums) return { sums: [segmentMass(operands, segments)] };
      const { mass, sums } = segmentSums(operands, segments);
      return { sums: [mass, sums] };
    },
  );
}

import { composite } from '../program/composite.ts';
import { cast, iota } from '../program/ops/create.ts';
import { equal, mul } from '../program/ops/elementwise.ts';
import { segmentSum } from '../program/ops/indexing.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import type { Dimension } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';
import { assign } from './assign.ts';
import { checkOperands, type WeightedOperands } from './check-operands.ts';

/** Operands with the segment (sequence, document) of each token. */
export interface SegmentOperands extends WeightedOperands {
  /** int32 [n], each in 0..segments-1. Tokens of a segment need not lie together. */
  readonly ids: Tensor;
}

/**
 * `sum_{n in s} a_n q_nk`, [segments, K]: divided by the segment's weight it is the occupancy, and
 * the occupancy times P is the pooled vector (docs/math.md section 6). One matrix product. The composite
 * `ddcl.segmentMass/1` {segments} (tokens, weights, prototypes, temperature, ids).
 */
export function segmentMass(operands: SegmentOperands, segments: number): Tensor {
  checkOperands('ddcl.segmentMass/1', operands, operands.weights);
  const [mass] = composite(
    {
      name: 'ddcl.segmentMass/1',
      attributes: { segments },
      decomposition: (tokens, weights, prototypes, temperature, ids) => {
        const q = assign({ tokens: tokens!, prototypes: prototypes!, temperature: temperature! });
        return [segmentSum(mul(q, reshape(weights!, [weights!.shape[0]!, 1])), ids!, { segments })];
      },
    },
    [operands.tokens, operands.weights, operands.prototypes, operands.temperature, operands.ids],
  );
  return mass!;
}

/** The sums of which occupancies, summaries and residuals of segments are made; blocks add up. */
export interface SegmentSums {
  /** As {@link segmentMass}, [segments, K]. */
  readonly mass: Tensor;
  /** `sum_{n in s} a_n q_nk z_n`, [segments, K, m]. */
  readonly sums: Tensor;
}

/**
 * Mass and weighted token sums per segment and prototype. The composite `ddcl.segmentSums/1` {segments} (tokens,
 * weights, prototypes, temperature, ids). Decomposed it is one matrix product with the assignments spread over
 * segments ([n, segments K]), so give it blocks of few segments; a kernel can go token by token.
 */
export function segmentSums(operands: SegmentOperands, segments: number): SegmentSums {
  checkOperands('ddcl.segmentSums/1', operands, operands.weights);
  const known = (size: Dimension | undefined): number => {
    if (typeof size === 'number') return size;
    throw new DdclError(
      'shape',
      `ddcl.segmentSums/1 takes prototypes of known shape, but got [${operands.prototypes.shape.join(', ')}].`,
      {
        op: 'ddcl.segmentSums/1',
        shapes: [operands.prototypes.shape],
      },
    );
  };
  const count = known(operands.prototypes.shape[0]);
  const dimension = known(operands.prototypes.shape[1]);
  const [mass, sums] = composite(
    {
      name: 'ddcl.segmentSums/1',
      attributes: { segments },
      decomposition: (tokens, weights, prototypes, temperature, ids) => {
        const n = tokens!.shape[0]!;
        const q = assign({ tokens: tokens!, prototypes: prototypes!, temperature: temperature! });
        const weighted = mul(q, reshape(weights!, [n, 1]));
        const member = cast(equal(reshape(ids!, [n, 1]), iota(ids!, 'int32', [n, segments], 1)), tokens!.dtype);
        const spread = mul(reshape(member, [n, segments, 1]), reshape(weighted, [n, 1, count]));
        const flat = matmul(reshape(spread, [n, segments * count]), tokens!, { transposeA: true });
        return [segmentSum(weighted, ids!, { segments }), reshape(flat, [segments, count, dimension])];
      },
    },
    [operands.tokens, operands.weights, operands.prototypes, operands.temperature, operands.ids],
  );
  return { mass: mass!, sums: sums! };
}

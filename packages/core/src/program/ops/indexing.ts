import type { Dimension } from '../tensor-type.ts';
import { requireTraced, Tensor } from '../trace.ts';

/** Rows of `x` (axis 0) by number; `indices` is int32 of any shape. */
export function gather(x: Tensor, indices: Tensor): Tensor {
  requireTraced(x.builder, indices);
  return new Tensor(x.builder, x.builder.add('gather', [x.id, indices.id], {}));
}

export interface SegmentSumOptions {
  /** Number of segments; ids lie in 0..segments-1. */
  readonly segments: Dimension;
  /** A promise that ids never decrease. Default false. */
  readonly sorted?: boolean;
}

/** Sums of the rows of `values` with each id (int32 [n]); an empty segment is zeros. */
export function segmentSum(values: Tensor, ids: Tensor, { segments, sorted = false }: SegmentSumOptions): Tensor {
  requireTraced(values.builder, ids);
  return new Tensor(values.builder, values.builder.add('segmentSum', [values.id, ids.id], { segments, sorted }));
}

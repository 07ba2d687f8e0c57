import { broadcastTo, concat, reshape, slice, type Dimension, type Tensor } from '@ddcl/core';
import { sliceCount } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';

/** The heads of vectors [n, H c]: one slice [n, c] each, or with shared heads one slice of [n H, c]. */
export function cutSlices(spec: ResolvedSpec, x: Tensor): Tensor[] {
  const { heads, codeDimension: c, sharedHeads } = spec;
  if (sharedHeads) return [reshape(x, [Number(x.shape[0]) * heads, c])];
  return Array.from({ length: heads }, (_, head) => slice(x, [0, head * c], [x.shape[0]!, c]));
}

/** Slices back side by side. */
export function joinSlices(spec: ResolvedSpec, slices: readonly Tensor[], n: Dimension): Tensor {
  return spec.sharedHeads ? reshape(slices[0]!, [n, spec.heads * spec.codeDimension]) : concat(slices, 1);
}

/** One number per vector [n, 1] for the tokens of a slice. */
export function sliceColumn(spec: ResolvedSpec, column: Tensor): Tensor {
  const n = Number(column.shape[0]);
  return spec.sharedHeads ? reshape(broadcastTo(column, [n, spec.heads]), [n * spec.heads, 1]) : column;
}

/** Numbers [n, D, H, w] of one level, for each slice [tokens, w]. */
export function levelSlices(spec: ResolvedSpec, x: Tensor, level: number): Tensor[] {
  const [n, , heads, width] = x.shape.map(Number) as [number, number, number, number];
  const own = slice(x, [0, level, 0, 0], [n, 1, heads, width]);
  if (spec.sharedHeads) return [reshape(own, [n * heads, width])];
  return Array.from({ length: sliceCount(spec) }, (_, head) =>
    reshape(slice(own, [0, 0, head, 0], [n, 1, 1, width]), [n, width]),
  );
}

/** Indices of slices by level, [tokens] each, as int32 [n, H D]: the levels of a head together. */
export function joinIndices(spec: ResolvedSpec, slices: readonly (readonly Tensor[])[], n: Dimension): Tensor {
  const { heads, depth, sharedHeads } = spec;
  const perSlice = slices.map((levels) =>
    concat(
      levels.map((each) => reshape(each, [each.shape[0]!, 1])),
      1,
    ),
  );
  return sharedHeads ? reshape(perSlice[0]!, [n, heads * depth]) : concat(perSlice, 1);
}

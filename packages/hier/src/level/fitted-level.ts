import type { DdclModel } from '@ddcl/core/fit';

/** A linear map that keeps the directions of largest variance. */
export interface Projection {
  /** What is taken off first, [numbers]. */
  readonly mean: Float64Array;
  /** Orthogonal rows, [components, numbers]; exact in float32. */
  readonly axes: Float32Array;
}

/** A level that has seen its items. Plain data. */
export interface FittedLevel {
  /** Prototypes, temperature, T_c and the frame. */
  readonly model: DdclModel;
  /** Of what it passes on; left out where that is not projected. */
  readonly projection?: Projection | undefined;
  /** Items of which each prototype is the running mean, [K]: the larger, the less an update moves it. */
  readonly masses: Float64Array;
}

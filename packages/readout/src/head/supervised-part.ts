import type { FloatDType, Tensor } from '@ddcl/core';
import type { TokenFrame } from '@ddcl/core/fit';

/** A tensor that features are computed with. */
export interface PartParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Where it starts, in the frame. */
  readonly values: Float64Array;
  readonly isTrained: boolean;
}

/** What a program computes of a batch for a head. */
export interface PartResult {
  /** [B, F]. */
  readonly features: Tensor;
  /** A scalar for the loss, summed over tokens with their weights; without unit. */
  readonly penalty?: Tensor;
}

/** What stands between tokens and a linear head: a readout, or an attention pooling. One trainer serves both. */
export interface SupervisedPart {
  readonly name: string;
  /** m. */
  readonly dimension: number;
  readonly dtype: FloatDType;
  readonly frame: TokenFrame;
  readonly parameters: readonly PartParameter[];
  /** Factor of the penalty per unit of token weight in the loss. */
  readonly penaltyWeight: number;
  /** A feature as users see it is `slope * (feature in the program) + shift`; both [F]. */
  readonly slope: Float64Array;
  readonly shift: Float64Array;
  /**
   * Part of a program, differentiable in the parameters (and in the tokens).
   *
   * @param tokens [B, L, m] in the frame; @param weights [B, L]; @param parameters in the order of `parameters`
   */
  compute(tokens: Tensor, weights: Tensor, parameters: readonly Tensor[]): PartResult;
}

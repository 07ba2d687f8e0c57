import type { Tensor } from '@ddcl/core';
import type { ResolvedSpec } from '../spec/resolve.ts';

/** Numbers that a quantizer keeps, for each codebook or for each level of each head. */
export interface QuantizerTensor {
  readonly what: string;
  readonly of: 'book' | 'place';
  readonly shape: readonly number[];
  /** Moved by gradients, by the quantizer itself, or not at all. */
  readonly role: 'trained' | 'carried' | 'fixed';
}

/** What changes from step to step. */
export interface QuantizerControls {
  /** T / T_c, for `ddcl`. */
  readonly share: Tensor;
  /** Variance of the noise on latents, in units of T / 2 per component, for `ddcl`. */
  readonly noise: Tensor;
  /** Temperature of mixtures and draws, in the latents' units squared. */
  readonly tau: Tensor;
}

/** One level of one slice, in a training program. */
export interface Use {
  readonly spec: ResolvedSpec;
  /** From 0. */
  readonly level: number;
  /** What is to be quantized, [n, c]; rows of weight 0 are zeros. */
  readonly z: Tensor;
  /** Weights, [n, 1]. */
  readonly column: Tensor;
  /** Their sum, at least a tiny number. */
  readonly total: Tensor;
  /** Tensors of the codebook and of the place. */
  readonly own: Readonly<Record<string, Tensor>>;
  /** Standard normal numbers [n, c], for `ddcl`. */
  readonly normals?: Tensor | undefined;
  /** Standard Gumbel numbers [n, K], for kinds that draw. */
  readonly gumbels?: Tensor | undefined;
  readonly controls: QuantizerControls;
}

/** What a quantizer makes of a {@link Use}. */
export interface Quantized {
  /** int32 [n]. */
  readonly indices: Tensor;
  /** Vectors of the codes, [n, c]. */
  readonly hard: Tensor;
  /** What `hard` stands for in the gradient: the latents, in whatever way the quantizer sees them. */
  readonly base: Tensor;
  /** The differentiable output of kinds that have one. */
  readonly soft?: Tensor;
  /** What is minimised: per unit of token weight, times its weight in the spec. */
  readonly loss?: Tensor | undefined;
  /** Scalars to report, per unit of token weight. */
  readonly reports: Readonly<Record<string, Tensor>>;
  /** Of the place's carried tensors. */
  readonly next?: Readonly<Record<string, Tensor>>;
}

/** One way to quantize. */
export interface Quantizer {
  /** What it keeps; shapes in K and c. */
  tensors(spec: ResolvedSpec): readonly QuantizerTensor[];
  quantize(use: Use): Quantized;
  /** How the straight-through gradient comes to be, for kinds without a soft output. */
  estimate(hard: Tensor, base: Tensor, spec: ResolvedSpec): Tensor;
  /** The codebook [K, c] in a program, from the tensors it is made of; left out where there is none. */
  codes?(own: Readonly<Record<string, Tensor>>): Tensor;
  /**
   * What codes' running averages become after a batch; left out for kinds without codes.
   *
   * @param used `mass` [K], the share of token weight of each code, and `steps` [K, c], sums of tokens less their code per unit of weight,
   * over all uses of the codebook
   */
  average?(
    own: Readonly<Record<string, Tensor>>,
    used: { readonly mass: Tensor; readonly steps: Tensor },
    spec: ResolvedSpec,
  ): Readonly<Record<string, Tensor>>;
}

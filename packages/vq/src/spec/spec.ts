/** The quantizers, by name. */
export const quantizerKinds = [
  'ddcl',
  'vq',
  'ema',
  'rotation',
  'cosine',
  'simvq',
  'gumbel',
  'smoothed',
  'fsq',
  'lfq',
] as const;

/**
 * - `ddcl`: soft assignment `softmax(-|z - p|^2 / T)`; differentiable throughout, T a share of the tracked T_c
 * - `vq`: nearest code, straight-through, codes by gradient (van den Oord et al., arXiv 1711.00937)
 * - `ema`: nearest code, straight-through, codes as running averages
 * - `rotation`: as `ema`, with the rotation trick for the gradient (arXiv 2410.06424)
 * - `cosine`: as `ema` on the unit sphere
 * - `simvq`: codes are a frozen random frame times a learned matrix (arXiv 2411.02038)
 * - `gumbel`: a Gumbel-softmax sample of the codes (arXiv 1611.01144)
 * - `smoothed`: a softmax mixture, pushed to the simplex' vertices (arXiv 2509.22161)
 * - `fsq`: each component rounded to a few values; no codebook (arXiv 2309.15505)
 * - `lfq`: the signs of the components; no codebook (arXiv 2310.05737)
 */
export type QuantizerKind = (typeof quantizerKinds)[number];

/** What a quantizer is: fixed when its programs are made. Options that its kind does not know are refused. Plain data. */
export interface QuantizerSpec {
  readonly kind: QuantizerKind;
  /** Length m of a latent vector. */
  readonly dimension: number;
  /** Codes K of each codebook, >= 2; a power of two for `lfq`. `fsq` has levels instead. */
  readonly codes?: number;
  /** `fsq`: how many values each component takes, >= 2; their product is K. */
  readonly levels?: readonly number[];

  /** Slices that a vector is cut into, each with a code of its own (grouped, product quantization). Default 1. */
  readonly heads?: number;
  /** One codebook for all heads. Default false. */
  readonly sharedHeads?: boolean;
  /** Residual levels: each quantizes what the ones before left. Default 1. */
  readonly depth?: number;
  /** One codebook for all levels. Default false. */
  readonly sharedDepth?: boolean;
  /** Width of a head's codes, with projections from and to `dimension`. Default `dimension / heads`, without them. */
  readonly codeDimension?: number;
  /**
   * `learned` in training, the default; or `principal`: onto the principal components, dealt out so that heads have about the same variance, and fixed.
   * With heads that share `dimension` evenly this is a rotation, with which product quantization loses less (Ge et al., CVPR 2013).
   */
  readonly projection?: 'learned' | 'principal';
  /** `scale`: the mean is taken off and one scalar makes the total variance `dimension`, by the batch in training; outputs stay in these units. Default `none`. */
  readonly norm?: 'none' | 'scale';
  /** Codes stay as they are. Default false. */
  readonly frozen?: boolean;

  /** Codes are drawn in training, from `softmax(-d / tau)`, for the hard kinds; takes n x K numbers. Default false. */
  readonly stochastic?: boolean;
  /** Weight of `|sg z - h|^2` per component, which moves codes only. Default 1 for `vq`, `simvq`, `smoothed`; 0 for `gumbel`. */
  readonly codeWeight?: number;
  /** Weight of `|z - sg h|^2` per component, which moves latents only. Default 0.25; 0 for `ddcl`, `gumbel` and `fsq`. */
  readonly commitment?: number;
  /** Of running averages, per batch, 0 <= decay < 1. Default 0.99. */
  readonly decay?: number;
  /** A code used by less than this share of 1 / K moves to a token of the batch; 0: never. Default 0. */
  readonly reviveBelow?: number;
  /** `simvq`: `straight-through` (default) or `rotation`. */
  readonly estimator?: 'straight-through' | 'rotation';

  /** `ddcl`: weight of L_q per total variance. Default 1. */
  readonly lqWeight?: number;
  /** `ddcl`: let L_q reach the latents. It rewards latents of low rank (docs/math.md section 5). Default false. */
  readonly lqThrough?: boolean;
  /** `ddcl`: decay of the mean that follows T_c, per batch. Default 0.98. */
  readonly tracking?: number;

  /** `fsq`: `bounded` (arXiv 2309.15505, default) or `symmetric`, whose values are evenly spread over -1..1. */
  readonly variant?: 'bounded' | 'symmetric';
  /** `lfq`: weight of `H(q_n) - diversity H(mean q)`, in nats. Default 0.1. */
  readonly entropyWeight?: number;
  /** `lfq`: gamma. Default 1. */
  readonly diversity?: number;
  /** `lfq`: beta of `q = softmax(2 beta z.c)`. Default 1. */
  readonly inverseTemperature?: number;
  /** `gumbel`: give the sampled code, with the mixture's gradient. Default false. */
  readonly hardOutput?: boolean;
  /** `smoothed`: mixtures of the batch that each vertex pulls, >= 1. Default 1. */
  readonly neighbours?: number;
  /** `smoothed`: weight of the pull. Default 1. */
  readonly simplexWeight?: number;
}

/** Options by kind, beside those that all have. */
const shared = [
  'kind',
  'dimension',
  'heads',
  'sharedHeads',
  'depth',
  'sharedDepth',
  'codeDimension',
  'projection',
  'norm',
  'commitment',
] as const;
const coded = ['codes', 'frozen', 'codeWeight', 'reviveBelow', 'decay'] as const;
const averaged = ['codes', 'frozen', 'reviveBelow', 'decay', 'stochastic'] as const;

export const optionsOf: Readonly<Record<QuantizerKind, readonly (keyof QuantizerSpec)[]>> = {
  ddcl: [...shared, ...coded, 'lqWeight', 'lqThrough', 'tracking'],
  vq: [...shared, ...coded, 'stochastic'],
  ema: [...shared, ...averaged],
  rotation: [...shared, ...averaged],
  cosine: [...shared, ...averaged],
  simvq: [...shared, 'codes', 'frozen', 'codeWeight', 'decay', 'stochastic', 'estimator'],
  gumbel: [...shared, ...coded, 'hardOutput'],
  smoothed: [...shared, ...coded, 'neighbours', 'simplexWeight'],
  fsq: [...shared, 'levels', 'variant'],
  lfq: [...shared, 'codes', 'entropyWeight', 'diversity', 'inverseTemperature'],
};

/**
 * The quantities of docs/math.md section 2, measured at one moment. Losses are per unit of token weight.
 */
export interface Quantities {
  readonly loss: {
    /** L_q, the soft quantization error. */
    readonly lq: number;
    /** L_OLS, the reconstruction term. */
    readonly lols: number;
    /** V, the diversity term, >= 0. */
    readonly v: number;
    /** Mean squared distance to the nearest prototype. */
    readonly hard: number;
    /** |lq - lols - v| / lq; rounding only. */
    readonly defect: number;
  };
  /** Euclidean distances between prototypes; 0 for one prototype. */
  readonly separation: { readonly mean: number; readonly min: number };
  /** Mean assignment entropy in nats, 0..log K. */
  readonly entropy: number;
  /** Share (0..1) of prototypes that are nearest to at least one token of positive weight. */
  readonly used: number;
  /** Number of prototypes left after joining those closer than 5 % of sqrt(trace C). */
  readonly distinct: number;
  /** exp of the entropy of the mean assignment, 1..K. */
  readonly perplexity: number;
}

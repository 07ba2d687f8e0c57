import type { TemperatureChoice } from '@ddcl/core/fit';

/**
 * What a group of items (a segment, a document) is turned into for the level above.
 *
 * - `residuals`: `r_k = sum q_nk (z_n - p_k)`, each of length 1, then all K of them (VLAD, docs/math.md section 6); beside them, where K > 1, what the group is
 *   off the mean of all, `sum z_n - mean`, of length 1 as well: residuals alone do not tell groups apart that have prototypes of their own
 * - `summaries`: `s_k = sum q_nk z_n / sum q_nk`, less the mean of the items that the level was fitted on; zeros where a prototype has no mass
 * - `pooled`: `sum_k o_k p_k`, the mean output
 * - `occupancy`: `o_k`, the mean assignment
 */
export type Passed = 'residuals' | 'summaries' | 'pooled' | 'occupancy';

/** How a level hands its groups to the one above. */
export interface PassSpec {
  /** Default `residuals`. */
  readonly what?: Passed;
  /**
   * Principal components of what is passed that are kept, `null` for all numbers as they are. Default 64, where there are more numbers than that;
   * `null` for `pooled` and `occupancy`.
   */
  readonly project?: number | null;
  /** Divide each vector by its length. Default: for `residuals` and `summaries`. */
  readonly normalize?: boolean;
}

/** One level: prototypes for its items, and what it hands on. Items of the first level are tokens. */
export interface LevelSpec {
  /** Default: `token`, then `level 2`, ...; the last is `document`. */
  readonly name?: string;
  /** Number of prototypes K, >= 1. */
  readonly prototypes: number;
  /** Default `auto`. */
  readonly temperature?: TemperatureChoice;
  /** Weight of its L_q in the sum over levels, `beta_l` > 0. Default 1. Where levels are fitted one by one it decides nothing. */
  readonly weight?: number;
  /** Learning rate of its fit, in 0..1; `FitOptions.learningRate` of `@ddcl/core/fit`. */
  readonly rate?: number;
  /**
   * What this level's items are gathered in, which are the next level's items: `document` (the default), or a name that documents have
   * boundaries for. The last level has none.
   */
  readonly group?: string;
  readonly pass?: PassSpec;
}

/** What made the tokens, as far as it can be told apart. */
export interface EncoderIdentity {
  readonly name: string;
  /** Of its content; two encoders with the same hash make the same tokens. */
  readonly hash: string;
}

/** A hierarchy, before it has seen documents. */
export interface HierarchySpec {
  /** From tokens upwards, at least one. Prototypes of the last are topics, and their numbers are the topics' ids. */
  readonly levels: readonly LevelSpec[];
  /** Length m of a token. */
  readonly dimension: number;
  readonly encoder?: EncoderIdentity;
}

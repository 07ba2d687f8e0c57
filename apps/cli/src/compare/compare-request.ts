import type { Backend } from '@ddcl/core/backend';
import type { OpenEncoderOptions } from '../encoder/open-encoder.ts';
import type { Own } from '../output/own.ts';
import type { Progress } from '../output/progress.ts';

/** What `--measures` names. */
export const measures = ['probe', 'clustering', 'retrieval'] as const;
export type Measure = (typeof measures)[number];

/** What `ddcl compare` is asked for. */
export interface CompareRequest {
  /** Labelled text, or a folder of token shards each. */
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** Field of the labels; token shards have theirs. */
  readonly labels?: string | undefined;
  readonly textField?: string | undefined;
  readonly stripHtml?: boolean | undefined;
  /** Token shards need none. */
  readonly encoder: OpenEncoderOptions | undefined;
  readonly backend: Backend;
  /** Numbers of prototypes. */
  readonly prototypes: readonly number[];
  /** T / T_c at which they are applied. */
  readonly temperatures: readonly number[];
  /** How often everything random is drawn. */
  readonly seeds: number;
  /** Of each fit. */
  readonly steps: number;
  /** Documents of train that each seed draws, class by class; all without it. */
  readonly trainDocuments?: number | undefined;
  /** Names of the readouts that are measured; all without it. */
  readonly readouts?: readonly string[] | undefined;
  /** Tokens of train that prototypes are fitted on, at most. */
  readonly fitTokens: number;
  readonly measures: readonly Measure[];
  /** Numbers of vectors for late interaction; none leaves it out. */
  readonly vectors: readonly number[];
  /** Queries for late interaction, at most. */
  readonly queries: number;
  /** One of `prototypes`, whose residuals are trained with a head; undefined leaves trained poolings out. */
  readonly trained: number | undefined;
  /** Where finished rows are kept, and taken from. */
  readonly resume?: string | undefined;
  /** Stands for the backend in that file. */
  readonly backendName: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly own: Own;
}

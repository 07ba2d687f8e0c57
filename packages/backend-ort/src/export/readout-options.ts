import { DdclError } from '@ddcl/core/backend';

/**
 * What an exported readout returns. Per token: `outputs` [n, m], `assignments` [n, K], `codes` int32 [n]. Per segment
 * (sequence, document): `occupancy` [s, K], `pooled` [s, m], `summaries` [s, K, m], `residuals` [s, K, m], each of length 1 and then the
 * segment's as a whole (docs/math.md section 6).
 */
export type ReadoutOutput = 'outputs' | 'assignments' | 'codes' | 'occupancy' | 'pooled' | 'summaries' | 'residuals';

/** All of them, those per token first. */
export const readoutOutputs: readonly ReadoutOutput[] = [
  'outputs',
  'assignments',
  'codes',
  'occupancy',
  'pooled',
  'summaries',
  'residuals',
];

/** Whether there is one row per segment, not per token. */
export function isPooled(what: ReadoutOutput): boolean {
  return what === 'occupancy' || what === 'pooled' || what === 'summaries' || what === 'residuals';
}

/** What is done to tokens before the model sees them, in this order. */
export interface ReadoutPreprocessing {
  /** `(z - mean) / deviation`, column by column; [m] each. */
  readonly standardize: { readonly mean: readonly number[]; readonly deviation: readonly number[] } | null;
  /** Divide each token by its length; a token of length 0 stays. */
  readonly normalize: boolean;
}

export interface ReadoutOptions {
  /** Default `outputs`. */
  readonly what?: ReadoutOutput;
  /** T, in the tokens' units squared. Default: the model's. */
  readonly temperature?: number;
  readonly preprocessing?: ReadoutPreprocessing;
  /**
   * Use ONNX Runtime's `com.microsoft.MultiHeadAttention`, which keeps no n x K array; only that runtime reads the file
   * then. For `outputs` only. Default false: standard ops.
   */
  readonly fused?: boolean;
  /** Version of the program that exports, for the file's metadata. */
  readonly version?: string;
}

/** @throws DdclError `argument` for anything that is not as documented */
export function checkReadoutOptions({ what = 'outputs', temperature, fused = false }: ReadoutOptions): void {
  if (!readoutOutputs.includes(what)) {
    throw new DdclError('argument', `'${String(what)}' is not a readout. Ask for one of ${readoutOutputs.join(', ')}.`);
  }
  if (temperature !== undefined && !(temperature > 0 && Number.isFinite(temperature))) {
    throw new DdclError('argument', `A temperature must be a number > 0, but got ${temperature}.`);
  }
  if (fused && what !== 'outputs') {
    throw new DdclError(
      'argument',
      `Fused attention gives outputs, not ${what}, which needs the assignments. Leave fused out.`,
    );
  }
}

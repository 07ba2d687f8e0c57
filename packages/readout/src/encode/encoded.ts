/**
 * What a readout can return. Per token: `outputs` `y_n = sum_k q_nk p_k`, m numbers; `assignments` `q_n`, K numbers. Per sequence, with
 * weights a_n (docs/math.md section 6):
 *
 * - `pooled`: the mean of the outputs, m numbers; it has at most K - 1 degrees of freedom
 * - `occupancy`: `o_k = sum a q_nk / sum a`, K numbers
 * - `summaries`: `s_k = sum a q_nk z_n / sum a q_nk`, K * m numbers
 * - `residuals`: `r_k = sum a q_nk (z_n - p_k)`, K * m numbers (VLAD)
 */
export type ReadoutOutput = 'outputs' | 'assignments' | 'pooled' | 'occupancy' | 'summaries' | 'residuals';

/** All of them, those per token first. */
export const readoutOutputs: readonly ReadoutOutput[] = [
  'outputs',
  'assignments',
  'pooled',
  'occupancy',
  'summaries',
  'residuals',
];

/**
 * How numbers are kept: `float32`; `float16`, bits of IEEE 754 binary16; `int8`, rounded multiples of a scale per vector (its largest
 * magnitude / 127); `binary`, a bit per number that is > 0, most significant first (as numpy.packbits), each vector in whole bytes.
 */
export type EncodedPrecision = 'float32' | 'float16' | 'int8' | 'binary';

/** One output of all sequences (or tokens). */
export interface EncodedArray {
  readonly precision: EncodedPrecision | 'float64';
  /** Of the numbers, before any packing: `[S, m]`, `[S, K, m]`, `[tokens, m]`, `[batch, sequence, m]`, ... */
  readonly shape: readonly number[];
  /** Row-major. float64 for a float64 readout; Uint16Array for float16; Uint8Array for binary. */
  readonly data: Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array;
  /** For int8: what the numbers of each vector are multiplied by, one per vector along the last axis. */
  readonly scales?: Float32Array;
}

/** What `encode` returns: the outputs that were asked for (those named in the type are there), and counts. */
export type Encoded<Asked extends ReadoutOutput = never> = { readonly [output in Asked]: EncodedArray } & {
  readonly [output in ReadoutOutput]?: EncodedArray;
} & {
  /** S, empty ones included. */
  readonly sequences: number;
  /** Sequences without a token of positive weight; their rows are zeros. */
  readonly empty: number;
  /** Tokens that were read: masked ones and those of weight 0 do not count. */
  readonly tokens: number;
};

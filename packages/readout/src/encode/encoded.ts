import type { ReadoutOutput } from '@ddcl/core/fit';

/**
 * How numbers are kept: `float32`; `float16`, bits of IEEE 754 binary16; `int8`, rounded multiples of a scale per vector (its largest
 * magnitude / 127); `binary`, a bit per number that is > 0, most significant first (as numpy.packbits), each vector in whole bytes.
 */
export type EncodedPrecision = 'float32' | 'float16' | 'int8' | 'binary';

/** One output of all sequences (or tokens). */
export interface EncodedArray {
  readonly precision: EncodedPrecision | 'float64' | 'int32';
  /** Of the numbers, before any packing: `[S, m]`, `[S, K, m]`, `[tokens, m]`, `[batch, sequence, m]`, ... */
  readonly shape: readonly number[];
  /** Row-major. float64 for a float64 readout; Uint16Array for float16; Uint8Array for binary; codes are int32 in any precision. */
  readonly data: Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array | Int32Array;
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

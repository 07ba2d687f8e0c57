import { preprocess, type Preprocessing } from '../../../cli/src/preprocess/preprocessing.ts';
import { tokensFromArray, type TokenReader } from '@ddcl/core/fit';

/** Vectors that the page fits prototypes to. */
export interface Vectors {
  /** What they are, for people. */
  readonly name: string;
  /** Row-major, rows x columns; finite. */
  readonly data: Float32Array | Float64Array;
  readonly dimension: number;
  /** Names of the columns, where they have some. */
  readonly columns: readonly string[] | null;
  /** SHA-256 of the numbers, by which the model's folder names them. */
  readonly fingerprint: string;
}

/** The vectors as a fit reads them. */
export const readerOf = ({ data, dimension }: Vectors, preprocessing: Preprocessing): TokenReader =>
  preprocess(tokensFromArray(data, dimension), preprocessing);

/** SHA-256 in hexadecimal digits; pages have it where they are served by https or from this machine. */
export async function fingerprintOf(data: Float32Array | Float64Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', data as BufferSource);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

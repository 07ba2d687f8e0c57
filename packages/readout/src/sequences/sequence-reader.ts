import type { TokenBlock } from '@ddcl/core/fit';

/** Random access to the token vectors of sequences (documents), in memory or in a file. */
export interface SequenceReader {
  /** Length m of a token vector. */
  readonly dimension: number;
  /** Number of sequences. */
  readonly sequences: number;
  /** Tokens of each sequence, [sequences]; 0 for one without any. */
  readonly lengths: Int32Array;
  /** All tokens of one sequence, [lengths[index], m]; may be used until the next call only. */
  read(index: number): Promise<TokenBlock>;
}

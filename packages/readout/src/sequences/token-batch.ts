/** Token vectors as an encoder gives them. */
export interface TokenBatch {
  /** All numbers, row-major; kept, not copied, and not changed. */
  readonly data: Float32Array | Float64Array;
  /**
   * `[tokens, m]`: tokens of sequences one after another (see `segments`). `[batch, sequence, m]`: one sequence per
   * row of the batch, padded (see `mask`).
   */
  readonly shape: readonly number[];
  /** For `[batch, sequence, m]`: batch * sequence numbers, 0 for padding; as tokenizers give it, bigint included. All 1 if left out. */
  readonly mask?: ArrayLike<number> | ArrayLike<bigint>;
  /** For `[tokens, m]`: which sequence each token belongs to, whole numbers >= 0. All tokens are one sequence if left out. */
  readonly segments?: ArrayLike<number>;
  /** A weight >= 0 per token (batch * sequence or tokens numbers), beside the mask; all 1 if left out. */
  readonly weights?: ArrayLike<number>;
}

/** One batch or many; an async iterable is a stream of batches of which each is used once. */
export type TokenInput = TokenBatch | Iterable<TokenBatch> | AsyncIterable<TokenBatch>;

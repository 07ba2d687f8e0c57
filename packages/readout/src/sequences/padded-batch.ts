/** Sequences side by side, as programs take them: [rows, length, m] with weights [rows, length]. */
export interface PaddedBatch {
  /** rows * length * m numbers; zeros where the weight is 0. */
  readonly tokens: Float32Array | Float64Array;
  /** rows * length weights >= 0; 0 for padding. */
  readonly weights: Float32Array | Float64Array;
  readonly rows: number;
  readonly length: number;
  /** Number of the sequence that each row belongs to, [rows]; -1 for a row that only fills up. A long sequence may have several rows. */
  readonly sequences: Int32Array;
}

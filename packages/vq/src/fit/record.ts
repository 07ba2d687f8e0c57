/** A moment of a fit, on a sample of its vectors. */
export interface FitRecord {
  readonly step: number;
  /** The codebook, where each has a fit of its own; 0 and 0 where all learn together. */
  readonly slice: number;
  readonly level: number;
  /** Mean squared distance to the vectors of the codes; of the codebook's slice alone where it has a fit of its own. */
  readonly error: number;
  /** Share of the codes that some vector of the sample has. */
  readonly use: number;
  readonly perplexity: number;
}

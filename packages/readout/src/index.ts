// The readout
export {
  Readout,
  type BatchOptions,
  type PartialFitOptions,
  type ReadoutEncodeOptions,
  type ReadoutFitOptions,
} from './readout.ts';
export {
  readoutOutputs,
  type Encoded,
  type EncodedArray,
  type EncodedPrecision,
  type ReadoutOutput,
} from './encode/encoded.ts';
export { dequantise, quantise } from './encode/quantise.ts';
export { normaliseVectors } from './encode/normalise.ts';
export { residualFloor } from './encode/finish.ts';

// Sequences
export type { TokenBatch, TokenInput } from './sequences/token-batch.ts';
export type { FitInput } from './sequences/token-input.ts';
export { sequencesFromBatch } from './sequences/from-batch.ts';
export { batchesFromReader } from './sequences/from-reader.ts';
export type { SequenceReader } from './sequences/sequence-reader.ts';

// To compare with
export { kMeans, type KMeansOptions, type KMeansResult } from './pooling/k-means.ts';

// The readout
export {
  Readout,
  type BatchOptions,
  type PartialFitOptions,
  type ReadoutEncodeOptions,
  type ReadoutFitOptions,
} from './readout/readout.ts';
export type { Encoded, EncodedArray, EncodedPrecision } from './encode/encoded.ts';
export { dequantize, quantize } from './encode/quantize.ts';
export { normalizeVectors } from './numbers/normalize-vectors.ts';

// Sequences
export type { TokenBatch, TokenInput } from './sequences/token-batch.ts';
export type { FitInput, TokenBatches } from './sequences/token-input.ts';
export type { CollectOptions, TokenSpool } from './sequences/collect-tokens.ts';
export { sequencesFromBatch } from './sequences/from-batch.ts';
export { batchesFromReader } from './sequences/from-reader.ts';
export { meanToken, normalizedTokens } from './sequences/normalized-tokens.ts';
export type { SequenceReader } from './sequences/sequence-reader.ts';

// To compare with
export { poolingKinds, poolSequence, type PoolingKind } from './pooling/pool-sequence.ts';
export { poolSequences, type PooledSequences, type PoolOptions } from './pooling/pool-sequences.ts';

// Late interaction
export { maxSim, type MaxSimReduction } from './late-interaction/max-sim.ts';
export { maxSimScores, type MaxSimBlock, type MaxSimOptions } from './late-interaction/max-sim-scores.ts';
export { maxSimSearch, type MaxSimHits } from './late-interaction/max-sim-search.ts';
export {
  summaryVectors,
  type SequenceSummaries,
  type SummaryVectors,
  type SummaryVectorsOptions,
} from './late-interaction/summary-vectors.ts';
export { packVectors, type VectorSets } from './late-interaction/vector-sets.ts';
export { wardPool, type WardOptions, type WardPooled } from './late-interaction/ward.ts';

// transformers.js
export { readoutPipeline, type PipelineEncodeOptions, type ReadoutPipeline } from './pipeline/readout-pipeline.ts';
export {
  extractTokens,
  type ExtractOptions,
  type ExtractProgress,
  type FeatureExtractor,
} from './pipeline/extract-tokens.ts';

// Supervised heads
export { trainHead, type ReadoutClassifier, type TrainHeadOptions, type TrainHeadResult } from './head/train-head.ts';
export {
  trainAttentionPooling,
  type AttentionClassifier,
  type AttentionPoolingOptions,
  type TrainAttentionResult,
} from './head/attention-pooling.ts';
export type { AttentionPooling } from './head/attention-part.ts';
export { attentionFormatVersion, attentionFromBytes, attentionToBytes } from './head/attention-bytes.ts';
export { classify, type ClassifyOptions } from './head/classify.ts';
export {
  headFormatVersion,
  headFromBytes,
  headToBytes,
  predict,
  type LinearHead,
  type Prediction,
} from './head/linear-head.ts';
export type { HeadEpoch, HeadTrainingOptions } from './head/head-options.ts';
export type { HeadOutput, HeadOutputs } from './head/readout-features.ts';

// Surgery
export { mergeClose, mergePrototypes, type MergeCloseOptions } from './surgery/merge.ts';
export { prunePrototypes, type PruneChoice } from './surgery/prune.ts';
export { orderByShare, orderBySimilarity, reorderPrototypes } from './surgery/reorder.ts';
export { splitPrototypes, type SplitOptions, type SplitPrototype, type SplitResult } from './surgery/split.ts';
export type { Surgery } from './surgery/with-prototypes.ts';
export {
  defaultPrice,
  fitAutomatic,
  type AutomaticCountOptions,
  type AutomaticCountProgress,
  type AutomaticCountResult,
  type CountCandidate,
} from './surgery/automatic-count.ts';

// What a hierarchy is
export type { EncoderIdentity, HierarchySpec, LevelSpec, Passed, PassSpec } from './spec/spec.ts';
export { resolveSpec, type ResolvedLevel, type ResolvedPass } from './spec/resolve.ts';
export type { FittedLevel, Projection } from './level/fitted-level.ts';
export {
  describeHierarchy,
  modelHash,
  type HierarchyDescription,
  type HierarchyModel,
} from './model/hierarchy-model.ts';
export { hierarchyFormatVersion, hierarchyFromBytes, hierarchyToBytes } from './state/bytes.ts';

// Documents
export type { DocumentBlock, DocumentSource } from './documents/document-source.ts';
export { documentsFromArrays, type DocumentArrays } from './documents/from-arrays.ts';
export type { ReadOptions } from './documents/read-documents.ts';

// Fitting
export { fitHierarchy, type FitHierarchyResult } from './fit/fit-hierarchy.ts';
export type { FitHierarchyOptions, HierarchyProgress, LevelReport, LevelStart, StartDocument } from './fit/options.ts';
export type { LevelQuantities } from './quantities/level-quantities.ts';

// Topics of documents
export { encodeDocuments, type DocumentCode, type LevelCode } from './encode/encode-documents.ts';

// More documents
export { partialFit, type PartialFitOptions } from './update/partial-fit.ts';
export type { BornTopic, ChangeLog } from './update/change-log.ts';

// Several workers
export { shardSums, type ShardOptions, type ShardSums } from './shards/shard-sums.ts';
export type { ShardPart } from './shards/parts.ts';
export { mergeShards, type MergeOptions } from './shards/merge-shards.ts';
export { shardFormatVersion, shardFromBytes, shardToBytes } from './shards/shard-bytes.ts';
export type { LevelSums } from './sums/level-sums.ts';
export type { SumParts } from './exact/exact-sums.ts';

// Texts in pieces
export { headings, type Section } from './segment/headings.ts';
export { segmentText, type Segmentation } from './segment/segment-text.ts';
export { sentences, type SentenceOptions } from './segment/sentences.ts';
export type { Span } from './segment/span.ts';
export { windows, windowSpans, type WindowOptions } from './segment/windows.ts';

// What topics are about
export { topics, type Topic, type TopicOptions, type TopicView } from './topics/topics.ts';
export type { TopicDocument, TopicDocuments } from './topics/gather.ts';
export { labelTopics, type LabelOptions } from './topics/labels.ts';
export { guidedStarts, type GuidedStarts, type TopicSeed } from './topics/guided.ts';
export type { Representative } from './topics/representatives.ts';

// Their parts
export { wordSplitter, type WordOptions, type WordSplitter } from './topics/words.ts';
export {
  mergeTable,
  wordCounts,
  type DroppedWords,
  type WordCountOptions,
  type WordCounts,
  type WordTable,
} from './topics/word-counts.ts';
export { topWords, type ScoredWord, type TopWordOptions } from './topics/top-words.ts';
export { coherenceCounts, diversity, type Coherence, type CoherenceCounts } from './topics/coherence.ts';
export { findOutliers, type OutlierRule, type Outliers } from './topics/outliers.ts';
export { countByPrice, cutTree, topicTree, type TopicNode } from './topics/tree.ts';
export { parseDate } from './topics/dates.ts';
export { timeCounts, type Period, type TimeCounts, type TopicsOverTime } from './topics/over-time.ts';

// A page of them
export { topicsPage, type PageDocument, type TopicsPageOptions } from './page/topics-page.ts';
export { principalMap, type DocumentMap } from './page/principal-map.ts';
export { umapMap, type UmapClass, type UmapOptions } from './page/umap-map.ts';

// Long documents
export { compressTokens, type CompressedTokens, type CompressOptions } from './compress/compress-tokens.ts';
export type { TokenContext } from './compress/with-context.ts';
export { lossMap, type LossMapOptions } from './compress/loss-map.ts';

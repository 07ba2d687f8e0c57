// What a hierarchy is
export type { EncoderIdentity, HierarchySpec, LevelSpec, Passed, PassSpec } from './spec/spec.ts';
export { resolveSpec, type ResolvedLevel, type ResolvedPass } from './spec/resolve.ts';

// Texts in pieces
export { headings, type Section } from './segment/headings.ts';
export { segmentText, type Segmentation } from './segment/segment-text.ts';
export { sentences, type SentenceOptions } from './segment/sentences.ts';
export type { Span } from './segment/span.ts';
export { windows, windowSpans, type WindowOptions } from './segment/windows.ts';

// What topics are about
export {
  topics,
  type Topic,
  type TopicDocument,
  type TopicDocuments,
  type TopicOptions,
  type TopicView,
} from './topics/topics.ts';
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
export { cutTree, topicTree, type TopicNode } from './topics/tree.ts';
export { parseDate } from './topics/dates.ts';
export { timeCounts, type Period, type TimeCounts, type TopicsOverTime } from './topics/over-time.ts';

// A page of them
export { topicsPage, type PageDocument, type TopicsPageOptions } from './page/topics-page.ts';
export { principalMap, type DocumentMap } from './page/principal-map.ts';
export { umapMap, type UmapClass, type UmapOptions } from './page/umap-map.ts';

// Long documents
export { compressTokens, type CompressedTokens, type CompressOptions } from './compress/compress-tokens.ts';
export { lossMap, type LossMapOptions } from './compress/loss-map.ts';

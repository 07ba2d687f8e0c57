export { clusteringAccuracy, matchClusters, type ClusterMatch } from './metrics/clustering-accuracy.ts';
export { normalizedMutualInformation, mutualInformation } from './metrics/mutual-information.ts';
export { adjustedRandIndex } from './metrics/adjusted-rand.ts';
export { recallFromTable, recallPerClass, type ClassRecall } from './metrics/recall.ts';
export {
  contingency,
  contingencyCounter,
  type ContingencyCounter,
  type ContingencyTable,
  type Label,
  type Labels,
} from './metrics/contingency.ts';
export { averagePrecision, discountedGain, normalizedDiscountedGain, precisionAt } from './metrics/ranking.ts';
export { separation, type Separation } from './metrics/separation.ts';
export { distinctPrototypes } from './metrics/distinct.ts';
export { entropy, perplexity } from './metrics/perplexity.ts';
export type { RowData } from './linalg/rows.ts';

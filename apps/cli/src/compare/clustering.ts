import { encodeTokens, kMeans, tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { adjustedRandIndex, clusteringAccuracy, normalisedMutualInformation } from '@ddcl/core/metrics';
import type { Backend } from '@ddcl/core/backend';
import { normaliseVectors } from '@ddcl/readout';
import type { LabelledFeatures } from './ridge-probe.ts';

/** How well clusters match classes, each 0..1 (ARI can be below 0). */
export interface ClusteringScores {
  readonly accuracy: number;
  readonly mutualInformation: number;
  readonly adjustedRand: number;
}

/** k-means of documents' vectors, each of length 1, into as many clusters as there are classes; scored against the classes. */
export async function clusterDocuments(
  backend: Backend,
  { features, classes }: LabelledFeatures,
  count: number,
  seed: number,
): Promise<ClusteringScores> {
  const data = features.data.slice();
  normaliseVectors(data, features.width);
  const source = tokensFromReader(tokensFromArray(data, features.width));
  const { model } = await kMeans(backend, source, { count, seed });
  const codes = new Int32Array(features.documents);
  let first = 0;
  for await (const { rows, data: some } of encodeTokens(backend, model, source, 'codes')) {
    codes.set(some, first);
    first += rows;
  }
  return scoreClusters(codes, classes);
}

/** ACC, NMI and ARI of clusters against classes. */
export function scoreClusters(codes: Int32Array, classes: Int32Array): ClusteringScores {
  return {
    accuracy: clusteringAccuracy(codes, classes),
    mutualInformation: normalisedMutualInformation(codes, classes),
    adjustedRand: adjustedRandIndex(codes, classes),
  };
}

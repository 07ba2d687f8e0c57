import { kMeans, tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { contingency } from '@ddcl/core/metrics';
import type { Backend } from '@ddcl/core/backend';
import { normalizeVectors } from '@ddcl/readout';
import { readCodes } from '../measures/codes.ts';
import { scoreLabels } from '../measures/label-scores.ts';
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
  normalizeVectors(data, features.width);
  const source = tokensFromReader(tokensFromArray(data, features.width));
  const { model } = await kMeans(backend, source, { count, seed });
  const { acc, nmi, ari } = scoreLabels(contingency(await readCodes(backend, model, source), classes));
  return { accuracy: acc, mutualInformation: nmi, adjustedRand: ari };
}

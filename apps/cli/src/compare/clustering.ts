import { tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { adjustedRandIndex, clusteringAccuracy, normalisedMutualInformation } from '@ddcl/core/metrics';
import type { Backend } from '@ddcl/core/backend';
import { kMeans, normaliseVectors, Readout } from '@ddcl/readout';
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
  const { model } = await kMeans(backend, tokensFromReader(tokensFromArray(data, features.width)), { count, seed });
  const readout = Readout.fromModel(model, { backend });
  try {
    const { assignments } = await readout.encode(
      { data, shape: [features.documents, features.width] },
      { outputs: ['assignments'] },
    );
    const codes = Int32Array.from({ length: features.documents }, (_, row) =>
      nearest(assignments!.data as Float32Array, row, count),
    );
    return scoreClusters(codes, classes);
  } finally {
    readout.dispose();
  }
}

/** ACC, NMI and ARI of clusters against classes. */
export function scoreClusters(codes: Int32Array, classes: Int32Array): ClusteringScores {
  return {
    accuracy: clusteringAccuracy(codes, classes),
    mutualInformation: normalisedMutualInformation(codes, classes),
    adjustedRand: adjustedRandIndex(codes, classes),
  };
}

function nearest(assignments: Float32Array, row: number, count: number): number {
  let best = 0;
  for (let k = 1; k < count; k++) if (assignments[row * count + k]! > assignments[row * count + best]!) best = k;
  return best;
}

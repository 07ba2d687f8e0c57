import {
  adjustedRandIndex,
  clusteringAccuracy,
  matchClusters,
  normalisedMutualInformation,
  recallPerClass,
} from '@ddcl/core';
import type { LabelScores } from '../output/measures.ts';
import type { ClassRow } from '../report/fit-report.ts';

/** Agreement of codes with known classes; undefined without labels. */
export function scoreLabels(codes: Int32Array, labels: readonly string[] | undefined): LabelScores | undefined {
  if (labels === undefined) return undefined;
  return {
    acc: clusteringAccuracy(codes, labels),
    nmi: normalisedMutualInformation(codes, labels),
    ari: adjustedRandIndex(codes, labels),
  };
}

/** How each class was found, under the best one-to-one match of prototypes to classes. */
export function classRows(codes: Int32Array, labels: readonly string[]): ClassRow[] {
  const { classOfCluster } = matchClusters(codes, labels);
  const prototypeOf = new Map([...classOfCluster].map(([cluster, label]) => [label, Number(cluster)]));
  return recallPerClass(codes, labels, classOfCluster).map(({ label, support, recall }) => ({
    label: String(label),
    tokens: support,
    prototype: prototypeOf.get(label),
    recall,
  }));
}

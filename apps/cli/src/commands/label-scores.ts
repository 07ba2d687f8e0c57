import {
  adjustedRandIndex,
  clusteringAccuracy,
  contingencyCounter,
  encodeTokens,
  matchClusters,
  normalisedMutualInformation,
  recallFromTable,
  type ContingencyTable,
  type DdclModel,
  type TokenSource,
} from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import type { RowLabels } from '../data/row-labels.ts';
import type { LabelScores } from '../output/measures.ts';
import type { ClassRow } from '../report/fit-report.ts';

/** Counts which prototype is nearest to the tokens of which class, in one pass that keeps nothing for each token. */
export async function countClasses(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  labels: RowLabels,
  signal: AbortSignal,
): Promise<ContingencyTable> {
  const counter = contingencyCounter();
  let row = 0;
  for await (const { data } of encodeTokens(backend, model, source, 'codes', { signal })) {
    for (const code of data) counter.add(code, labels.at(row++)!);
  }
  return counter.table();
}

/** Agreement of codes with known classes. */
export function scoreLabels(table: ContingencyTable): LabelScores {
  return {
    acc: clusteringAccuracy(table),
    nmi: normalisedMutualInformation(table),
    ari: adjustedRandIndex(table),
  };
}

/** How each class was found, under the best one-to-one match of prototypes to classes. */
export function classRows(table: ContingencyTable): ClassRow[] {
  const { classOfCluster } = matchClusters(table);
  const prototypeOf = new Map([...classOfCluster].map(([cluster, label]) => [label, Number(cluster)]));
  return recallFromTable(table, classOfCluster).map(({ label, support, recall }) => ({
    label: String(label),
    tokens: support,
    prototype: prototypeOf.get(label),
    recall,
  }));
}

import {
  adjustedRandIndex,
  clusteringAccuracy,
  contingencyCounter,
  matchClusters,
  normalizedMutualInformation,
  recallFromTable,
  type ContingencyTable,
} from '@ddcl/core/metrics';
import type { RowLabels } from '../data/row-labels.ts';

/** Agreement of codes with known classes, each 0..1 (ARI from -1). */
export interface LabelScores {
  readonly acc: number;
  readonly nmi: number;
  readonly ari: number;
}

/** How one class was found. */
export interface ClassRow {
  readonly label: string;
  /** Tokens of the class. */
  readonly tokens: number;
  /** The prototype matched to it one to one; undefined when there are more classes than prototypes. */
  readonly prototype?: number | undefined;
  /** Share (0..1) of its tokens assigned to that prototype. */
  readonly recall: number;
}

/** Counts which prototype is nearest to the tokens of which class, as their codes come; nothing is kept for each token. */
export interface ClassCounter {
  /** @param codes of the tokens after those of the call before */
  add(codes: Int32Array): void;
  table(): ContingencyTable;
}

export function classCounter(labels: RowLabels): ClassCounter {
  const counter = contingencyCounter();
  let row = 0;
  return {
    add(codes) {
      for (const code of codes) counter.add(code, labels.at(row++)!);
    },
    table: () => counter.table(),
  };
}

/** Agreement of codes with known classes. */
export function scoreLabels(table: ContingencyTable): LabelScores {
  return {
    acc: clusteringAccuracy(table),
    nmi: normalizedMutualInformation(table),
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

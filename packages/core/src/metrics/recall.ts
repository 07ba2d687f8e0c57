import { contingency, type ContingencyTable, type Label, type Labels } from './contingency.ts';
import { matchClusters } from './clustering-accuracy.ts';

/** How well one class was found. */
export interface ClassRecall {
  readonly label: Label;
  /** Items of this class, >= 1. */
  readonly support: number;
  /** Share (0..1) of them that are in the cluster matched to this class; 0 for a class without a cluster. */
  readonly recall: number;
}

/**
 * Recall of every class that occurs, in the label order of {@link contingency}. The mean of the recalls is the
 * balanced accuracy.
 *
 * @param assignments cluster of each item.
 * @param labels class of each item.
 * @param classOfCluster from {@link matchClusters}; pass one found on other items to judge it on these. By
 *   default the best match for these items.
 * @throws DdclError as {@link matchClusters}.
 */
export function recallPerClass(
  assignments: Labels,
  labels: Labels,
  classOfCluster?: ReadonlyMap<Label, Label>,
): readonly ClassRecall[] {
  const table = contingency(assignments, labels);
  return recallFromTable(table, classOfCluster ?? matchClusters(table).classOfCluster);
}

/** {@link recallPerClass} from a table of clusters by classes, counted before, under a match of clusters to classes. */
export function recallFromTable(table: ContingencyTable, match: ReadonlyMap<Label, Label>): readonly ClassRecall[] {
  return table.columns.map((label, column) => {
    const support = table.columnSums[column] as number;
    let found = 0;
    table.rows.forEach((cluster, row) => {
      if (match.get(cluster) === label) found += table.counts[row * table.columns.length + column] as number;
    });
    return { label, support, recall: found / support };
  });
}

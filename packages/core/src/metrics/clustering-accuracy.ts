import { DdclError } from '../errors/ddcl-error.ts';
import { assignment } from '../linalg/assignment.ts';
import { tableOf, type ContingencyTable, type Label, type Labels } from './contingency.ts';

/** The best one-to-one match of clusters to classes. */
export interface ClusterMatch {
  /** Rows are clusters, columns are classes. */
  readonly table: ContingencyTable;
  /** Class of each matched cluster. Where there are more clusters than classes, some clusters are missing here. */
  readonly classOfCluster: ReadonlyMap<Label, Label>;
  /** Items whose cluster is matched to their class. */
  readonly correct: number;
  /** `correct` per item, 0..1. */
  readonly accuracy: number;
}

/**
 * Matches each cluster to at most one class, and each class to at most one cluster, so that the most items are
 * correct. An item in a cluster without a class counts as wrong.
 *
 * @param assignments cluster of each item; or a table of clusters by classes, counted before.
 * @param labels class of each item.
 * @throws DdclError `shape`, `data`, `limit` as {@link contingency}; `data` when there are no items.
 */
export function matchClusters(table: ContingencyTable): ClusterMatch;
export function matchClusters(assignments: Labels, labels: Labels): ClusterMatch;
export function matchClusters(assignments: Labels | ContingencyTable, labels?: Labels): ClusterMatch {
  const table = tableOf(assignments, labels);
  if (table.total === 0)
    throw new DdclError('data', 'Clusters can be matched to classes from one item on, but none came.');
  const columnOfRow = assignment(table.counts, table.rows.length, table.columns.length, { maximise: true });
  const classOfCluster = new Map<Label, Label>();
  let correct = 0;
  columnOfRow.forEach((column, row) => {
    if (column < 0) return;
    classOfCluster.set(table.rows[row] as Label, table.columns[column] as Label);
    correct += table.counts[row * table.columns.length + column] as number;
  });
  return { table, classOfCluster, correct, accuracy: correct / table.total };
}

/**
 * ACC: share (0..1) of items that are correct under the best one-to-one match of clusters to classes
 * (docs/math.md section 7). Arguments and errors as {@link matchClusters}.
 */
export function clusteringAccuracy(table: ContingencyTable): number;
export function clusteringAccuracy(assignments: Labels, labels: Labels): number;
export function clusteringAccuracy(assignments: Labels | ContingencyTable, labels?: Labels): number {
  return matchClusters(tableOf(assignments, labels)).accuracy;
}

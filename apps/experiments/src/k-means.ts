import { kmeans } from 'ml-kmeans';

/** One run of Lloyd's algorithm from a k-means++ start. */
export interface KMeansRun {
  /** Cluster of each row. */
  readonly codes: Int32Array;
  /** Mean squared distance to the nearest centroid. */
  readonly hard: number;
}

/** Rows of an array as lists, the form that ml-kmeans takes. */
function asRows(data: Float64Array, dimension: number): number[][] {
  return Array.from({ length: data.length / dimension }, (_, row) =>
    Array.from(data.subarray(row * dimension, (row + 1) * dimension)),
  );
}

/**
 * k-means (ml-kmeans: k-means++ start, Lloyd), several runs from different seeds.
 *
 * @param data row-major, any number of rows
 */
export function kMeansRuns(
  data: Float64Array,
  dimension: number,
  count: number,
  seeds: readonly number[],
): KMeansRun[] {
  const rows = asRows(data, dimension);
  return seeds.map((seed) => {
    const { clusters, centroids } = kmeans(rows, count, {
      initialization: 'kmeans++',
      seed,
      maxIterations: 300,
      tolerance: 1e-9,
    });
    let total = 0;
    rows.forEach((row, index) => {
      const centroid = centroids[clusters[index]!]!;
      for (let axis = 0; axis < dimension; axis++) total += (row[axis]! - centroid[axis]!) ** 2;
    });
    return { codes: Int32Array.from(clusters), hard: total / rows.length };
  });
}

/** The run with the lowest hard error. */
export function bestRun<Run extends { readonly hard: number }>(runs: readonly Run[]): Run {
  return runs.reduce((best, run) => (run.hard < best.hard ? run : best));
}

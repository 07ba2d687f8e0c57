/** Most tokens of one run, padding included, if nothing is asked for. */
export const defaultBatchTokens = 4096;

/** Documents that run together, by their places in the window. */
export type BatchPlan = readonly number[];

/**
 * Groups documents of similar length, so that little is padded. The plan depends on lengths and their order alone.
 *
 * @param lengths tokens of each document; those without tokens run in no batch
 * @param documents most documents per batch; undefined: as many as {@link defaultBatchTokens} have room for
 */
export function planBatches(lengths: readonly number[], documents: number | undefined): BatchPlan[] {
  const order = lengths.map((_, index) => index).filter((index) => lengths[index]! > 0);
  // Sorting is stable: equal lengths stay in their order.
  order.sort((a, b) => lengths[b]! - lengths[a]!);
  const plans: number[][] = [];
  for (let first = 0; first < order.length;) {
    const most = documents ?? Math.max(1, Math.floor(defaultBatchTokens / lengths[order[first]!]!));
    plans.push(order.slice(first, first + most));
    first += most;
  }
  return plans;
}

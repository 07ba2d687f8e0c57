/** Documents that run together, padded to one length. */
export interface DocumentGroup {
  readonly length: number;
  readonly documents: readonly number[];
}

/** Lengths are multiples of this (or of a multiple of it for very long documents). */
const grain = 8;

/** Most lengths that are tried as bounds of a bucket. */
const mostBounds = 256;

/**
 * At most `count` padded lengths for documents of these lengths, ascending, so that the least padding is computed: the exact
 * optimum over multiples of 8, by dynamic programming. A program is compiled for each.
 */
export function bucketLengths(lengths: Int32Array, count: number): number[] {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
  let step = grain;
  while (longest / step > mostBounds) step *= 2;
  const share = new Map<number, number>();
  for (const length of lengths) {
    const bound = Math.max(1, Math.ceil(length / step)) * step;
    share.set(bound, (share.get(bound) ?? 0) + 1);
  }
  if (share.size === 0) return [grain];
  const bounds = [...share.keys()].sort((a, b) => a - b);
  const below = [0];
  for (const bound of bounds) below.push(below.at(-1)! + share.get(bound)!);
  // cost[i]: padded tokens of the documents up to bound i - 1 in as many buckets as there were rounds.
  let cost = bounds.map((bound, index) => bound * below[index + 1]!);
  const cuts: number[][] = [];
  for (let buckets = 2; buckets <= Math.min(count, bounds.length); buckets++) {
    const next = [...cost];
    const cut = bounds.map(() => -1);
    bounds.forEach((bound, index) => {
      for (let before = 0; before < index; before++) {
        const total = cost[before]! + bound * (below[index + 1]! - below[before + 1]!);
        if (total < next[index]!) {
          next[index] = total;
          cut[index] = before;
        }
      }
    });
    cost = next;
    cuts.push(cut);
  }
  const chosen: number[] = [];
  let index = bounds.length - 1;
  for (const cut of [...cuts].reverse()) {
    if (cut[index]! < 0) continue;
    chosen.push(bounds[index]!);
    index = cut[index]!;
  }
  return [...chosen, bounds[index]!].reverse();
}

/**
 * Groups of `batch` documents, in order, each at the smallest length that fits. What is left over of a length joins the
 * next longer one, so that only the last group is smaller.
 *
 * @param order numbers of the documents
 * @param buckets padded lengths, ascending; the last fits all
 */
export function groupDocuments(
  order: ArrayLike<number>,
  lengths: Int32Array,
  buckets: readonly number[],
  batch: number,
): DocumentGroup[] {
  const fitting = (length: number): number => buckets.findIndex((bucket) => bucket >= length);
  const open: number[][] = buckets.map(() => []);
  const groups: DocumentGroup[] = [];
  for (let index = 0; index < order.length; index++) {
    const document = order[index]!;
    const bucket = fitting(lengths[document]!);
    open[bucket]!.push(document);
    if (open[bucket]!.length < batch) continue;
    groups.push({ length: buckets[bucket]!, documents: open[bucket]! });
    open[bucket] = [];
  }
  let left: number[] = [];
  open.forEach((documents, bucket) => {
    left.push(...documents);
    if (left.length < batch) return;
    groups.push({ length: buckets[bucket]!, documents: left.slice(0, batch) });
    left = left.slice(batch);
  });
  if (left.length > 0) {
    const longest = Math.max(...left.map((document) => lengths[document]!));
    groups.push({ length: buckets[fitting(longest)]!, documents: left });
  }
  return groups;
}

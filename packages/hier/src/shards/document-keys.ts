/** Keys that a shard keeps of its documents, at most: 32 kB. */
const mostKeys = 4096;
/** Documents that two shards have in common are refused from this share of the smaller one on: fewer may be texts that a corpus has twice. */
const sharedShare = 0.1;

/** The smallest keys of a set of documents: which they are does not depend on the order in which they come. */
export interface DocumentKeys {
  add(key: number): void;
  /** Ascending, each once. */
  result(): Float64Array;
}

export function createDocumentKeys(): DocumentKeys {
  let keys: number[] = [];
  let limit = Infinity;
  const cut = (): void => {
    keys = [...new Set(keys)].sort((a, b) => a - b).slice(0, mostKeys);
    if (keys.length === mostKeys) limit = keys.at(-1)!;
  };
  return {
    add(key) {
      if (key > limit || keys.push(key) < 2 * mostKeys) return;
      cut();
    },
    result() {
      cut();
      return Float64Array.from(keys);
    },
  };
}

/** Documents that two shards have both. */
export interface SharedDocuments {
  /** Numbers of the shards, counted from 0. */
  readonly shards: readonly [number, number];
  /** Documents in both, about: exact where each shard has no more than 4,096. */
  readonly documents: number;
  /** Whether they are too many for texts that merely occur twice. */
  readonly isMany: boolean;
}

/** How many of ascending keys are at most `until`. */
function countUntil(keys: Float64Array, until: number): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! <= until) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** In one pass over the keys, and a step for each key that two shards have both. */
export function sharedDocuments(
  shards: readonly { readonly keys: Float64Array; readonly documents: number }[],
): readonly SharedDocuments[] {
  const holders = new Map<number, number[]>();
  const common = new Map<string, number>();
  for (const [index, { keys }] of shards.entries()) {
    for (const key of keys) {
      const others = holders.get(key) ?? [];
      for (const other of others) common.set(`${other} ${index}`, (common.get(`${other} ${index}`) ?? 0) + 1);
      holders.set(key, [...others, index]);
    }
  }
  return [...common].map(([pair, found]) => {
    const [one, two] = pair.split(' ').map(Number) as [number, number];
    const both = [shards[one]!, shards[two]!];
    // Keys that either would have kept: beyond the last of a shard that is full its documents are not known.
    const until = Math.min(...both.map(({ keys }) => (keys.length === mostKeys ? keys.at(-1)! : Infinity)));
    const shares = both.map(({ keys }) => found / countUntil(keys, until));
    const documents = Math.max(1, Math.round(Math.min(...both.map((own, place) => own.documents * shares[place]!))));
    return { shards: [one, two], documents, isMany: Math.max(...shares) >= sharedShare };
  });
}

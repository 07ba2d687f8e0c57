import { wordSplitter, type WordOptions } from './words.ts';

export interface Coherence {
  /** Mean NPMI of the pairs of each topic's words, -1..1; NaN for fewer than two words. */
  readonly topics: Float64Array;
  /** Mean over the topics that have one. */
  readonly mean: number;
}

export interface CoherenceCounts {
  add(text: string): void;
  result(): Coherence;
}

/**
 * Normalized pointwise mutual information of the words of each topic: `log(p(a, b) / (p(a) p(b))) / -log p(a, b)` over documents (Bouma 2009; Lau, Newman, Baldwin 2014), where p is a share of
 * documents. Words that never stand in one document count -1, words that always do 1. One pass over the documents after the one that finds the words; state is that of the pairs.
 *
 * @param lists words of each topic
 * @param options those with which the words were counted
 */
export function coherenceCounts(lists: readonly (readonly string[])[], options: WordOptions = {}): CoherenceCounts {
  const split = wordSplitter(options);
  const places = new Map<string, (readonly [topic: number, position: number])[]>();
  lists.forEach((list, topic) => {
    list.forEach((word, position) => {
      const own = places.get(word);
      if (own === undefined) places.set(word, [[topic, position]]);
      else own.push([topic, position]);
    });
  });
  // Pairs of words in one document, [n, n] for a list of n; a word's own documents on the diagonal.
  const together = lists.map((list) => new Float64Array(list.length ** 2));
  let documents = 0;
  return {
    add(text) {
      documents++;
      const present: number[][] = lists.map(() => []);
      for (const word of new Set(split(text)))
        for (const [topic, position] of places.get(word) ?? []) present[topic]!.push(position);
      present.forEach((positions, topic) => {
        const width = lists[topic]!.length;
        for (const a of positions) for (const b of positions) together[topic]![a * width + b]! += 1;
      });
    },
    result() {
      const topics = Float64Array.from(lists, (list, topic) => meanOfPairs(together[topic]!, list.length, documents));
      const known = topics.filter((value) => !Number.isNaN(value));
      return { topics, mean: known.reduce((sum, value) => sum + value, 0) / known.length };
    },
  };
}

function meanOfPairs(together: Float64Array, width: number, documents: number): number {
  let total = 0;
  for (let a = 0; a < width; a++)
    for (let b = 0; b < a; b++)
      total += npmi(together[a * width + a]!, together[b * width + b]!, together[a * width + b]!, documents);
  return total / ((width * (width - 1)) / 2);
}

/** @param a documents with the one word, of `documents`; `b` with the other; `both` with both */
function npmi(a: number, b: number, both: number, documents: number): number {
  if (both === 0) return -1;
  if (both === documents) return 1;
  return Math.log((both * documents) / (a * b)) / -Math.log(both / documents);
}

/** Distinct words among the words of all topics, as a share (Dieng, Ruiz, Blei 2020); NaN without words. */
export function diversity(lists: readonly (readonly string[])[]): number {
  const all = lists.flat();
  return new Set(all).size / all.length;
}

import { DdclError } from '@ddcl/core';
import { requireWhole } from '../checks/require.ts';
import { requireTopic } from './require-topic.ts';
import { wordSplitter, type WordOptions } from './words.ts';

export interface WordCountOptions extends WordOptions {
  /** Most words that are counted at a time. Default 200,000, and no more than 2^24 / K. */
  readonly vocabulary?: number;
}

/** How often each word occurs in the documents of each topic. */
export interface WordTable {
  readonly words: readonly string[];
  /** [V, K] */
  readonly counts: Float64Array;
  /** Topics K. */
  readonly topics: number;
  /** Documents with each word, [V]. */
  readonly documentsWith: Float64Array;
  /** Documents that were added. */
  readonly documents: number;
  /** What the budget of the vocabulary cost. */
  readonly dropped: DroppedWords;
}

export interface DroppedWords {
  /** How often a word was dropped; one that came again later counts again. */
  readonly words: number;
  /** How often the dropped words had occurred. */
  readonly occurrences: number;
  /** No word of the table occurred more often than it says, plus this. */
  readonly mostMissing: number;
}

export interface WordCounts {
  /**
   * @param topic of the document; or how much it belongs to each, [K], and its words count for them all
   * @throws DdclError `argument` for a topic that there is not; `shape` for another number of topics; `data` for assignments that are not finite or below 0
   */
  add(text: string, topic: number | ArrayLike<number>): void;
  /** What was counted so far. */
  result(): WordTable;
}

/** What is left of a vocabulary that is full. */
const keptShare = 0.75;

/**
 * Counts words by topic over a stream of documents: K numbers per word, and never more than `vocabulary` words. When it is full, the quarter of the words that occur in the
 * fewest documents is dropped, and what that cost is reported.
 *
 * @param topics K
 * @throws DdclError `argument` for options out of range
 */
export function wordCounts(topics: number, options: WordCountOptions = {}): WordCounts {
  requireWhole('The number of topics', topics, 1);
  const { vocabulary = Math.max(1000, Math.min(200_000, Math.floor(2 ** 24 / topics))) } = options;
  requireWhole('vocabulary', vocabulary, 10);
  const split = wordSplitter(options);
  let index = new Map<string, number>();
  let counts = new Float64Array(topics * Math.min(vocabulary, 4096));
  let documentsWith = new Float64Array(Math.min(vocabulary, 4096));
  let documents = 0;
  let [words, occurrences, mostMissing] = [0, 0, 0];

  function place(word: string): number {
    const known = index.get(word);
    if (known !== undefined) return known;
    if (index.size === vocabulary) drop();
    const made = index.size;
    if (made === documentsWith.length) {
      const size = Math.min(vocabulary, 2 * made);
      counts = grown(counts, size * topics);
      documentsWith = grown(documentsWith, size);
    }
    index.set(word, made);
    return made;
  }

  function drop(): void {
    const entries = [...index];
    // Ties by the word: no order of a map decides.
    entries.sort(([a, i], [b, j]) => documentsWith[j]! - documentsWith[i]! || (a < b ? -1 : 1));
    const kept = entries.slice(0, Math.floor(keptShare * vocabulary));
    let most = 0;
    for (const [, row] of entries.slice(kept.length)) {
      const total = sumOf(counts, row, topics);
      words++;
      occurrences += total;
      most = Math.max(most, total);
    }
    mostMissing += most;
    const [old, oldDocuments] = [counts, documentsWith];
    counts = new Float64Array(old.length);
    documentsWith = new Float64Array(oldDocuments.length);
    index = new Map();
    for (const [word, row] of kept) {
      counts.set(old.subarray(row * topics, (row + 1) * topics), index.size * topics);
      documentsWith[index.size] = oldDocuments[row]!;
      index.set(word, index.size);
    }
  }

  return {
    add(text, topic) {
      if (typeof topic === 'number') requireTopic(topic, topics);
      else checkAssignment(topic, topics);
      documents++;
      const own = new Map<string, number>();
      for (const word of split(text)) own.set(word, (own.get(word) ?? 0) + 1);
      for (const [word, times] of own) {
        const row = place(word);
        documentsWith[row]! += 1;
        if (typeof topic === 'number') counts[row * topics + topic]! += times;
        else for (let k = 0; k < topics; k++) if (topic[k]! > 0) counts[row * topics + k]! += times * topic[k]!;
      }
    },
    result: () => ({
      words: [...index.keys()],
      counts: counts.slice(0, index.size * topics),
      topics,
      documentsWith: documentsWith.slice(0, index.size),
      documents,
      dropped: { words, occurrences, mostMissing },
    }),
  };
}

/** The table as it is when topics are taken together. `groups`: their numbers, every topic in one group. */
export function mergeTable(table: WordTable, groups: readonly (readonly number[])[]): WordTable {
  const counts = new Float64Array(table.words.length * groups.length);
  for (let row = 0; row < table.words.length; row++) {
    groups.forEach((group, place) => {
      for (const k of group) counts[row * groups.length + place]! += table.counts[row * table.topics + k]!;
    });
  }
  return { ...table, counts, topics: groups.length };
}

function grown(values: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(values);
  return larger;
}

function sumOf(counts: Float64Array, row: number, topics: number): number {
  let total = 0;
  for (let k = 0; k < topics; k++) total += counts[row * topics + k]!;
  return total;
}

function checkAssignment(assignment: ArrayLike<number>, topics: number): void {
  if (assignment.length !== topics)
    throw new DdclError('shape', `A document is assigned to ${topics} topics, but ${assignment.length} numbers came.`);
  for (let k = 0; k < topics; k++) {
    if (assignment[k]! >= 0 && assignment[k]! < Infinity) continue;
    throw new DdclError('data', `Assignments must be finite and >= 0, but topic ${k} has ${assignment[k]}.`);
  }
}

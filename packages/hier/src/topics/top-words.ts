import { requireNumber, requireWhole } from '../checks/require.ts';
import type { WordTable } from './word-counts.ts';

export interface ScoredWord {
  readonly word: string;
  /** Class TF-IDF. */
  readonly score: number;
}

export interface TopWordOptions {
  /** Words per topic, >= 1. Default 10. */
  readonly count?: number;
  /** Words in fewer documents are left out. Default 1 per 200 documents, at least 1 and at most 5. */
  readonly minDocuments?: number;
  /** Words in a larger share of the documents are left out, 0..1: they tell no topics apart. Default 0.7. */
  readonly maxShare?: number;
}

/**
 * The words of highest class TF-IDF of each topic, best first: `tf(w, k) log(1 + A / f(w))`, where tf is the share of w among the words of topic k, f(w) its count over all topics and A the mean
 * count of words of a topic (Grootendorst, arXiv 2203.05794); all over the words that are left by `minDocuments` and `maxShare`. Equal scores in the order of the
 * words. A topic without words has none.
 *
 * @throws DdclError `argument` for options out of range
 */
export function topWords(table: WordTable, options: TopWordOptions = {}): ScoredWord[][] {
  const { topics, words, counts, documentsWith, documents } = table;
  const { count = 10, minDocuments = defaultMinDocuments(documents), maxShare = 0.7 } = options;
  requireWhole('count', count, 1);
  requireWhole('minDocuments', minDocuments, 1);
  requireNumber('maxShare', maxShare, (share) => share > 0 && share <= 1, 'a share above 0 and at most 1');
  const most = Math.max(maxShare * documents, minDocuments);
  const rows = [...words.keys()].filter((row) => documentsWith[row]! >= minDocuments && documentsWith[row]! <= most);
  const sizes = new Float64Array(topics);
  const totals = rows.map((row) => {
    let total = 0;
    for (let k = 0; k < topics; k++) {
      sizes[k]! += counts[row * topics + k]!;
      total += counts[row * topics + k]!;
    }
    return total;
  });
  const mean = sizes.reduce((sum, size) => sum + size, 0) / topics;
  return Array.from(sizes, (size, k) => {
    const scored: ScoredWord[] = [];
    rows.forEach((row, index) => {
      const own = counts[row * topics + k]!;
      if (own > 0) scored.push({ word: words[row]!, score: (own / size) * Math.log(1 + mean / totals[index]!) });
    });
    scored.sort((a, b) => b.score - a.score || (a.word < b.word ? -1 : 1));
    return scored.slice(0, count);
  });
}

const defaultMinDocuments = (documents: number): number => Math.max(1, Math.min(5, Math.floor(documents / 200)));

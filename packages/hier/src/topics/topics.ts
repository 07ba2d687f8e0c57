import { DdclError } from '@ddcl/core';
import { requireArgument, requireWhole } from '../checks/require.ts';
import { sentences } from '../segment/sentences.ts';
import { wholeCut } from '../segment/span.ts';
import { coherenceCounts, diversity } from './coherence.ts';
import { gather, type TopicDocuments } from './gather.ts';
import { findOutliers, type OutlierRule } from './outliers.ts';
import type { Period, TopicsOverTime } from './over-time.ts';
import type { Representative } from './representatives.ts';
import { topWords, type ScoredWord, type TopWordOptions } from './top-words.ts';
import { countByPrice, cutTree, topicTree, type TopicNode } from './tree.ts';
import { mergeTable, type DroppedWords, type WordCountOptions } from './word-counts.ts';
import { wordSplitter, type WordSplitter } from './words.ts';

export interface TopicOptions extends WordCountOptions {
  /** `soft`: a word counts for each topic by its document's assignment; `hard`: for the document's topic alone. Default `hard`. */
  readonly counts?: 'soft' | 'hard';
  /** Words per topic and which may be among them. */
  readonly words?: TopWordOptions;
  /** Default `{ share: 0.05 }`. */
  readonly outliers?: OutlierRule;
  /** Topics that are left when the closest are taken together, 1..K; or `{ price }`: topics worth less than this share of what all take off the hard error are joined (`countByPrice`). Default K. */
  readonly mergeTo?: number | { readonly price: number };
  /** Documents that stand for each topic. Default 5. */
  readonly representatives?: number;
  /** Bins of topics over time. Default: by the dates. */
  readonly period?: Period;
  /** Called now and then with the documents that are done, of two passes. */
  readonly onProgress?: (documents: number, pass: 1 | 2) => void;
}

export interface Topic {
  /** Number of its prototype; the lowest one of those that were merged. */
  readonly id: number;
  /** Prototypes that it is made of. */
  readonly prototypes: readonly number[];
  /** Best first. */
  readonly words: readonly ScoredWord[];
  readonly label?: string;
  /** Documents, outliers included. */
  readonly size: number;
  /** Of all documents, those without tokens included, 0..1. */
  readonly share: number;
  /** Sum of the documents' assignments to it. */
  readonly mass: number;
  /** Its documents that are outliers. */
  readonly outliers: number;
  /** Nearest to its prototype first. */
  readonly documents: readonly Representative[];
  /** Mean over the pairs of its words, -1..1; NaN for fewer than two words. */
  readonly npmi: number;
}

export interface TopicView {
  /** In the order of their ids. */
  readonly topics: readonly Topic[];
  /** Place in `topics` of each prototype, [K]. */
  readonly topicOf: Int32Array;
  /** Of the prototypes, all of them. */
  readonly tree: TopicNode;
  readonly documents: number;
  /** Documents without tokens, or with nothing but white space. */
  readonly empty: number;
  readonly outliers: {
    /** In the documents' order. */
    readonly ids: readonly string[];
    /** 1 for each document that is one, [documents]. */
    readonly flags: Uint8Array;
    readonly rule: OutlierRule;
    /** Largest among the other documents. */
    readonly others: { readonly entropy: number; readonly distance: number };
  };
  /** Mean NPMI. */
  readonly coherence: number;
  /** Distinct words among the topics' words, 0..1. */
  readonly diversity: number;
  /** Documents of each topic in each bin; undefined where no document has a date. */
  readonly time: TopicsOverTime | undefined;
  readonly dropped: DroppedWords;
}

const longestSentence = 300;

/**
 * What topics are about: words, sizes, documents, outliers, tree and course in time, from two passes over documents and their assignments. Kept are K numbers per word, and two numbers per document for outliers.
 *
 * @param prototypes of the highest level, [K, width]
 * @throws DdclError `argument` for options out of range; `shape` and `data` for documents that do not fit, or other ones in the second pass
 */
export async function topics(
  prototypes: ArrayLike<number>,
  count: number,
  documents: TopicDocuments,
  options: TopicOptions = {},
): Promise<TopicView> {
  requireWhole('The number of topics', count, 1);
  const { outliers: rule = { share: 0.05 }, mergeTo = count, representatives = 5, period, onProgress } = options;
  requireWhole('representatives', representatives, 0);
  if (prototypes.length < count || prototypes.length % count !== 0)
    throw new DdclError(
      'shape',
      `${count} topics need ${count} prototypes of one length, but ${prototypes.length} numbers came.`,
    );
  const { counts: kind = 'hard' } = options;
  requireArgument('counts', kind, kind === 'soft' || kind === 'hard', "'soft' or 'hard'");
  const split = wordSplitter(options);
  const counted = { ...options, split };
  const gathered = await gather(count, documents, { ...counted, representatives, period });
  const { ids, own, placed, sizes, masses, table, nearest, time } = gathered;
  const tree = topicTree(prototypes, sizes);
  const groups = cutTree(tree, typeof mergeTo === 'number' ? mergeTo : countByPrice(tree, mergeTo.price));
  const topicOf = new Int32Array(count);
  groups.forEach((group, place) => group.forEach((k) => (topicOf[k] = place)));
  const words = topWords(mergeTable(table, groups), options.words);
  const lists = words.map((list) => list.map(({ word }) => word));
  const chosen = groups.map((group) =>
    group
      .flatMap((k) => nearest[k]!)
      .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1))
      .slice(0, representatives),
  );
  const coherence = coherenceCounts(lists, counted);
  const shown = new Map(chosen.flatMap((list, place) => list.map(({ index }) => [index, place] as const)));
  const sentenceOf = new Map<number, string>();
  let again = 0;
  for await (const { id, text } of documents()) {
    if (again === ids.length)
      throw new DdclError(
        'data',
        `Documents are read twice and must be the same, but the first time ${ids.length} came, and the second time more.`,
      );
    if (ids[again] !== id)
      throw new DdclError(
        'data',
        `Documents are read twice and must be the same, but the second time number ${again} (counted from 0) was ${JSON.stringify(id)}, not ${JSON.stringify(ids[again])}.`,
      );
    if (own[again] !== -1) coherence.add(text);
    const place = shown.get(again);
    if (place !== undefined) sentenceOf.set(again, bestSentence(text, words[place]!, split, options.locale));
    again++;
    if (again % 256 === 0) onProgress?.(again, 2);
  }
  if (again !== ids.length)
    throw new DdclError(
      'data',
      `Documents are read twice and must be the same, but the first time ${ids.length} came, and the second time ${again}.`,
    );
  const found = findOutliers(gathered.entropies, gathered.distances, rule);
  const flags = new Uint8Array(ids.length);
  const outside = new Float64Array(count);
  placed.forEach((index, place) => {
    flags[index] = found.flags[place]!;
    outside[own[index]!]! += flags[index];
  });
  const { topics: npmi, mean } = coherence.result();
  return {
    topics: groups.map((group, place) => {
      const sum = (values: Float64Array): number => group.reduce((total, k) => total + values[k]!, 0);
      return {
        id: group[0]!,
        prototypes: group,
        words: words[place]!,
        size: sum(sizes),
        share: sum(sizes) / ids.length,
        mass: sum(masses),
        outliers: sum(outside),
        documents: chosen[place]!.map(({ index, id, distance }) => ({
          id,
          distance,
          sentence: sentenceOf.get(index)!,
        })),
        npmi: npmi[place]!,
      };
    }),
    topicOf,
    tree,
    documents: ids.length,
    empty: gathered.empty,
    outliers: { ids: ids.filter((_, index) => flags[index] === 1), flags, rule, others: found.others },
    coherence: mean,
    diversity: diversity(lists),
    time: time.dated + time.unreadable.count === 0 ? undefined : mergeTime(time, groups),
    dropped: table.dropped,
  };
}

/** The sentence with the highest score of a topic's words per root of its words, so that length alone wins nothing. */
function bestSentence(text: string, words: readonly ScoredWord[], split: WordSplitter, locale?: string): string {
  const scores = new Map(words.map(({ word, score }) => [word, score]));
  // Where no sentence has any of the words, the beginning says more than one that happens to be first.
  let [best, most] = [
    text
      .slice(0, wholeCut(text, longestSentence + 2))
      .replace(/\s+/g, ' ')
      .trim(),
    0,
  ];
  for (const { start, end } of sentences(text, locale === undefined ? {} : { locale })) {
    const sentence = text.slice(start, end).replace(/\s+/g, ' ').trim();
    const own = split(sentence);
    const total = [...new Set(own)].reduce((sum, word) => sum + (scores.get(word) ?? 0), 0);
    const score = total / Math.sqrt(Math.max(own.length, 5));
    if (score > most) [best, most] = [sentence, score];
  }
  return best.length > longestSentence ? `${best.slice(0, wholeCut(best, longestSentence)).trimEnd()}\u2026` : best;
}

function mergeTime(time: TopicsOverTime, groups: readonly (readonly number[])[]): TopicsOverTime {
  const bins = time.starts.length;
  const counts = new Float64Array(groups.length * bins);
  groups.forEach((group, place) => {
    for (const k of group)
      for (let bin = 0; bin < bins; bin++) counts[place * bins + bin]! += time.counts[k * bins + bin]!;
  });
  return { ...time, counts };
}

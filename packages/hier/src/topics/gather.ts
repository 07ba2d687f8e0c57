import { DdclError } from '@ddcl/core';
import { timeCounts, type Period, type TopicsOverTime } from './over-time.ts';
import { nearestDocuments } from './representatives.ts';
import { requireTopic } from './require-topic.ts';
import { wordCounts, type WordCountOptions, type WordTable } from './word-counts.ts';

/** A document as the hierarchy encodes it, with its text. */
export interface TopicDocument {
  readonly id: string;
  readonly text: string;
  /** Number of its prototype, 0..K - 1; -1 for a document without tokens, which counts for no topic. */
  readonly topic: number;
  /** Its assignment to each, [K]. */
  readonly q: ArrayLike<number>;
  /** Of the assignment, in nats. */
  readonly entropy: number;
  /** To its prototype. */
  readonly distance: number;
  /** When it was written, as `parseDate` reads it. */
  readonly time?: unknown;
}

/** Documents that can be read more than once, in the same order. */
export type TopicDocuments = () => AsyncIterable<TopicDocument> | Iterable<TopicDocument>;

export interface GatherOptions extends WordCountOptions {
  readonly counts?: 'soft' | 'hard';
  readonly representatives: number;
  readonly period: Period | undefined;
  readonly onProgress?: (documents: number, pass: 1 | 2) => void;
}

/** What one pass tells of documents and their topics. */
export interface Gathered {
  readonly ids: readonly string[];
  /** Topic of each document. */
  readonly own: readonly number[];
  /** Numbers of the documents that have a topic. */
  readonly placed: readonly number[];
  /** Of these documents, in this order. */
  readonly entropies: readonly number[];
  readonly distances: readonly number[];
  readonly empty: number;
  readonly sizes: Float64Array;
  readonly masses: Float64Array;
  readonly table: WordTable;
  readonly nearest: ReturnType<ReturnType<typeof nearestDocuments>['result']>;
  readonly time: TopicsOverTime;
}

/** @throws DdclError `data` if there is no document; `shape` for a `q` of another length; `argument` for a topic that there is not; as `wordCounts` */
export async function gather(count: number, documents: TopicDocuments, options: GatherOptions): Promise<Gathered> {
  const counts = wordCounts(count, options);
  const nearest = nearestDocuments(count, options.representatives);
  const time = timeCounts(count, options.period);
  const [sizes, masses] = [new Float64Array(count), new Float64Array(count)];
  const ids: string[] = [];
  const [own, placed, entropies, distances]: [number[], number[], number[], number[]] = [[], [], [], []];
  let empty = 0;
  for await (const { id, text, topic, q, entropy, distance, time: date } of documents()) {
    if (topic === -1 || text.trim() === '') empty++;
    if (topic !== -1) {
      requireTopic(topic, count);
      if (q.length !== count)
        throw new DdclError(
          'shape',
          `A document's q has a number for each of ${count} topics, but that of ${JSON.stringify(id)} has ${q.length}.`,
        );
      counts.add(text, options.counts === 'soft' ? q : topic);
      nearest.add(ids.length, id, topic, distance);
      time.add(topic, date);
      sizes[topic]! += 1;
      for (let k = 0; k < count; k++) masses[k]! += q[k]!;
      placed.push(ids.length);
      entropies.push(entropy);
      distances.push(distance);
    }
    own.push(topic);
    ids.push(id);
    if (ids.length % 256 === 0) options.onProgress?.(ids.length, 1);
  }
  if (ids.length === 0) throw new DdclError('data', 'Topics need documents, but none came. Give at least one.');
  return {
    ids,
    own,
    placed,
    entropies,
    distances,
    empty,
    sizes,
    masses,
    table: counts.result(),
    nearest: nearest.result(),
    time: time.result(),
  };
}

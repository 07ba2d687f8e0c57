import type { TopicView } from '@ddcl/hier';
import { printableName } from '../output/print.ts';

/** Words of a topic that a line has room for. */
const wordsShown = 8;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Topics as lines, largest first, with what one has to know about them. */
export function printedTopics(view: TopicView): string {
  const { topics, documents, empty, outliers, coherence, diversity, time } = view;
  const lines = [...topics]
    .sort((a, b) => b.size - a.size || a.id - b.id)
    .map(({ id, size, share, words, npmi }) => {
      const shown = words
        .slice(0, wordsShown)
        .map(({ word }) => printableName(word))
        .join(' ');
      const known = Number.isNaN(npmi) ? '' : `  (${npmi.toFixed(2)})`;
      return `${String(id).padStart(4)}  ${size.toLocaleString('en').padStart(8)}  ${percent(share).padStart(6)}  ${shown}${known}`;
    });
  return [
    `${topics.length} topics in ${documents.toLocaleString('en')} documents; ${outliers.ids.length.toLocaleString('en')} outliers; ${empty.toLocaleString('en')} empty`,
    `coherence (NPMI) ${coherence.toFixed(3)}, diversity ${diversity.toFixed(3)}`,
    ...(time === undefined ? [] : [`${time.dated.toLocaleString('en')} documents with a date, by ${time.period}`]),
    '',
    'topic documents  share  words (NPMI)',
    ...lines,
  ].join('\n');
}

/** What to know of what was left out. */
export function topicWarnings({ dropped, time }: TopicView): string[] {
  const warnings: string[] = [];
  if (dropped.words > 0)
    warnings.push(
      `the vocabulary was full: rare words were dropped ${dropped.words.toLocaleString('en')} times, with ${dropped.occurrences.toLocaleString('en')} occurrences. --vocabulary N makes room for more`,
    );
  if (time !== undefined && time.unreadable.count > 0)
    warnings.push(
      `${time.unreadable.count.toLocaleString('en')} dates could not be read, such as ${JSON.stringify(time.unreadable.examples[0])}: give ISO 8601 (1993-04-22) or seconds since 1970`,
    );
  return warnings;
}

/** The topics as plain data. */
export function topicsObject(view: TopicView): object {
  const { topics, tree, documents, empty, outliers, coherence, diversity, time, dropped } = view;
  const { ids, rule, others } = outliers;
  return {
    documents,
    empty,
    coherence,
    diversity,
    topics,
    tree,
    outliers: { count: ids.length, ids, rule, others },
    ...(time === undefined
      ? {}
      : {
          time: {
            ...time,
            starts: Array.from(time.starts, (start) => new Date(start).toISOString()),
            counts: topics.map((_, place) => [
              ...time.counts.subarray(place * time.starts.length, (place + 1) * time.starts.length),
            ]),
          },
        }),
    dropped,
  };
}

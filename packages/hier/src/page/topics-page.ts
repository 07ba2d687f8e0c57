import { DdclError } from '@ddcl/core';
import { requireWhole } from '../checks/require.ts';
import { wholeCut } from '../segment/span.ts';
import { parseDate } from '../topics/dates.ts';
import type { TopicView } from '../topics/topics.ts';
import type { TopicNode } from '../topics/tree.ts';
import { clientHash, clientScript } from './client-script.ts';
import { escapeHtml } from '../html/escape-html.ts';
import type { PageData, PageRow, PageTree } from './page-data.ts';
import { style } from './style.ts';

/** A document of a page of topics. */
export interface PageDocument {
  readonly id: string;
  readonly text: string;
  /** Number of its prototype; documents of -1, which have no tokens, are left out. */
  readonly topic: number;
  /** On the map: two numbers, such as a row of `principalMap`. */
  readonly position: ArrayLike<number>;
  /** Default false. */
  readonly outlier?: boolean;
  /** As `parseDate` reads it. */
  readonly time?: unknown;
}

export interface TopicsPageOptions {
  /** Default `Topics`. */
  readonly title?: string;
  /** Characters of each document that the page keeps, shows and searches. Default 600. */
  readonly textLength?: number;
  /** How the map was made, for the caption. Default: the two principal axes. */
  readonly map?: string;
}

const defaultMap = 'the two principal axes of the documents';
/** Lines that are given out at a time. */
const chunk = 500;

/**
 * A page of topics as one HTML file in pieces, which needs nothing else and loads nothing: a map of the documents, topics with words and documents that stand for them, the tree, documents with search, and
 * topics over time where there are dates. Documents are streamed into it. Texts are data in it and are only ever set as text; the browser runs no script but the page's own, whose hash is in the page's policy. The same
 * input gives the same bytes.
 *
 * @throws DdclError `argument` for options out of range; `data` for a document whose topic or position cannot be
 */
export async function* topicsPage(
  view: TopicView,
  documents: AsyncIterable<PageDocument> | Iterable<PageDocument>,
  options: TopicsPageOptions = {},
): AsyncGenerator<string> {
  const { title = 'Topics', textLength = 600, map = defaultMap } = options;
  requireWhole('textLength', textLength, 1);
  yield head(title, view, map);
  yield `<script type="application/json" id="data">${json(pageData(view, title, textLength, map))}</script>\n`;
  yield '<script type="application/json" id="documents-data">[';
  let lines: string[] = [];
  let count = 0;
  for await (const document of documents) {
    if (document.topic === -1) continue;
    lines.push(`${count++ === 0 ? '' : ','}\n${json(rowOf(document, view, textLength))}`);
    if (lines.length < chunk) continue;
    yield lines.join('');
    lines = [];
  }
  if (count === 0) throw new DdclError('data', 'A page of topics needs documents, but none came. Give at least one.');
  yield `${lines.join('')}\n]</script>\n<script>${clientScript}</script>\n</body>\n</html>\n`;
}

/** JSON that ends no script: `<` stands in it by its number alone. */
const json = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

const round = (value: number, digits: number): number => Number(value.toPrecision(digits));
const known = (value: number): number | null => (Number.isFinite(value) ? round(value, 4) : null);

function rowOf(
  { id, text, topic, position, outlier = false, time }: PageDocument,
  view: TopicView,
  most: number,
): PageRow {
  const place = view.topicOf[topic];
  if (place === undefined)
    throw new DdclError(
      'data',
      `Document ${JSON.stringify(id)} has topic ${topic}, but there are ${view.topicOf.length}.`,
    );
  const [x, y] = [position[0]!, position[1]!];
  if (!Number.isFinite(x) || !Number.isFinite(y))
    throw new DdclError(
      'data',
      `Document ${JSON.stringify(id)} needs a place of two finite numbers on the map, but has ${x} and ${y}.`,
    );
  const date = parseDate(time);
  const kept = text
    .trim()
    .replace(/[^\S\n]+/g, ' ')
    .replace(/\s*\n\s*\n\s*/g, '\n');
  return [
    id,
    place,
    round(x, 4),
    // Up on a plot is down on a screen.
    round(-y, 4),
    outlier ? 1 : 0,
    kept.length > most ? `${kept.slice(0, wholeCut(kept, most)).trimEnd()}\u2026` : kept,
    date === undefined ? '' : new Date(date).toISOString().slice(0, 10),
  ];
}

function pageData(view: TopicView, title: string, textLength: number, map: string): PageData {
  const { time } = view;
  const bins = time?.starts.length ?? 0;
  return {
    title,
    topics: view.topics.map(({ id, label, words, size, share, outliers, npmi, documents }) => ({
      id,
      label:
        label ??
        (words
          .slice(0, 4)
          .map(({ word }) => word)
          .join(', ') ||
          `topic ${id}`),
      words: words.map(({ word, score }) => [word, round(score, 4)] as const),
      size,
      share: round(share, 6),
      outliers,
      npmi: known(npmi),
      documents: documents.map((each) => [each.id, each.sentence] as const),
    })),
    tree: pageTree(view.tree, view.topicOf),
    time:
      time === undefined
        ? null
        : {
            period: time.period,
            starts: [...time.starts],
            counts: view.topics.map((_, place) => [...time.counts.subarray(place * bins, (place + 1) * bins)]),
            dated: time.dated,
            unreadable: time.unreadable.count,
          },
    documents: view.documents,
    outliers: view.outliers.ids.length,
    coherence: known(view.coherence),
    diversity: known(view.diversity),
    textLength,
    map,
  };
}

/** The tree of what is left of the topics after merging. */
function pageTree(node: TopicNode, topicOf: Int32Array): PageTree {
  const place = topicOf[node.topics[0]!]!;
  if (node.topics.every((topic) => topicOf[topic] === place)) return place;
  const [first, second] = node.children.map((child) => pageTree(child, topicOf)) as [PageTree, PageTree];
  return [first, second, round(node.height, 5)];
}

const counted = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

function head(title: string, view: TopicView, map: string): string {
  const figures = [
    `${counted(view.topics.length, 'topic')} in ${counted(view.documents, 'document')}`,
    counted(view.outliers.ids.length, 'outlier'),
    ...(Number.isFinite(view.coherence) ? [`coherence (NPMI) ${view.coherence.toFixed(3)}`] : []),
    ...(Number.isFinite(view.diversity) ? [`diversity ${view.diversity.toFixed(2)}`] : []),
  ].join('; ');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src '${clientHash}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>
${style}
</style>
</head>
<body>
<header><h1>${escapeHtml(title)}</h1><p class="muted">${escapeHtml(figures)}</p></header>
<div class="tools"><input type="search" id="query" placeholder="Search the documents" aria-label="Search the documents" autocomplete="off"><label><input type="checkbox" id="outliers">outliers only</label><span id="count" role="status"></span><button type="button" id="clear" hidden>Show all</button></div>
<main>
<section class="map"><canvas id="map" role="img" aria-label="Map of the documents"></canvas><div class="zoom"><button type="button" id="zoom-in" aria-label="Larger">+</button><button type="button" id="zoom-out" aria-label="Smaller">&#8722;</button></div><p class="muted">Each point is a document, by ${escapeHtml(map)}. Tap one to read it.</p><ul id="opened" hidden></ul></section>
<section class="side"><h2>Topics</h2><ul id="topics"></ul></section>
<section id="detail" class="wide" hidden></section>
<section id="tree-section"><h2>Which topics are close</h2><p class="muted">Joined where that raises the error least. Choose a topic, or a bracket for all in it.</p><div id="tree"></div></section>
<section id="time-section"><h2>Over time</h2><p class="muted" id="time-note"></p><canvas id="time" role="img" aria-label="Documents of each topic over time"></canvas></section>
<section class="wide"><h2>Documents</h2><ul id="documents"></ul><button type="button" id="more" hidden>More</button></section>
</main>
`;
}

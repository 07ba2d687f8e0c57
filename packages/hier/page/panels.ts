import type { Corpus } from './data.ts';
import { byId, element, number, percent } from './dom.ts';
import { marked } from './search.ts';
import type { Selection } from './selection.ts';

const pageSize = 20;
const excerpt = 280;

/** All topics, largest first. Returns what marks the chosen ones. */
export function createTopicList(
  { data, colours }: Corpus,
  selection: Selection,
  name: (topic: number) => string,
): () => void {
  const largest = Math.max(...data.topics.map(({ share }) => share), 1e-9);
  const order = [...data.topics.keys()].sort((a, b) => data.topics[b]!.size - data.topics[a]!.size || a - b);
  const items = order.map((topic) => {
    const { share, size } = data.topics[topic]!;
    const swatch = element('i', { className: 'swatch' });
    const bar = element('b', {});
    bar.style.width = `${(100 * share) / largest}%`;
    const button = element(
      'button',
      { type: 'button', title: `${number(size)} documents`, onclick: () => selection.choose([topic]) },
      swatch,
      element('span', { className: 'name', textContent: name(topic) }),
      element('span', { className: 'share', textContent: percent(share) }),
      element('span', { className: 'bar' }, bar),
    );
    return { topic, swatch, bar, button };
  });
  byId('topics').replaceChildren(...items.map(({ button }) => element('li', {}, button)));
  return () => {
    const colour = colours();
    for (const { topic, swatch, bar, button } of items) {
      swatch.style.background = bar.style.background = colour[topic]!;
      const isChosen = selection.topics?.has(topic) ?? false;
      if (button.getAttribute('aria-pressed') !== String(isChosen))
        button.setAttribute('aria-pressed', String(isChosen));
    }
  };
}

/** What a chosen topic is about. */
export function createDetail(
  { data, colours }: Corpus,
  selection: Selection,
  name: (topic: number) => string,
): () => void {
  const place = byId('detail');
  let last: number | undefined;
  return () => {
    const topic = selection.topics?.size === 1 ? [...selection.topics][0]! : undefined;
    if (topic === last) return;
    last = topic;
    place.hidden = topic === undefined;
    if (topic === undefined) return;
    const { words, size, share, outliers, npmi, documents, id } = data.topics[topic]!;
    const best = words[0]?.[1] ?? 1;
    const list = words.map(([word, score]) => {
      const bar = element('b', {});
      bar.style.width = `${(100 * score) / best}%`;
      bar.style.background = colours()[topic]!;
      return element('li', {}, element('span', { textContent: word }), element('span', { className: 'bar' }, bar));
    });
    place.replaceChildren(
      element('h2', { textContent: name(topic) }),
      element('p', {
        className: 'muted',
        textContent: `Topic ${id}: ${number(size)} documents, ${percent(share)}; ${number(outliers)} outliers${npmi === null ? '' : `; coherence ${npmi.toFixed(2)}`}`,
      }),
      element('ul', { className: 'words' }, ...list),
      ...(documents.length === 0 ? [] : [element('h3', { textContent: 'Nearest to its centre' })]),
      ...documents.map(([own, sentence]) =>
        element(
          'blockquote',
          { textContent: sentence === '' ? '(an empty document)' : sentence },
          element('cite', { textContent: own }),
        ),
      ),
    );
  };
}

/** Documents that are shown, some at a time, and the one that was opened. */
export function createDocuments(
  { data, rows, colours }: Corpus,
  selection: Selection,
  name: (topic: number) => string,
): () => void {
  const [list, count, more, opened] = [byId('documents'), byId('count'), byId('more'), byId('opened')];
  let length = pageSize;
  let shown: readonly number[] = [];
  more.addEventListener('click', () => {
    const from = length;
    length += pageSize;
    list.append(...shown.slice(from, length).map((index) => item(index, excerpt)));
    more.hidden = shown.length <= length;
  });

  function item(index: number, most: number): HTMLElement {
    const [id, topic, , , outlier, text, date] = rows[index]!;
    const swatch = element('i', { className: 'swatch' });
    swatch.style.background = colours()[topic]!;
    const flat = most === Infinity ? text : text.replaceAll('\n', ' ');
    const isCut = flat.length > most;
    const body = element('p', {});
    marked(isCut ? `${flat.slice(0, most).trimEnd()}\u2026` : flat, selection.query).forEach((part, place) =>
      body.append(place % 2 === 1 ? element('mark', { textContent: part }) : part),
    );
    if (text === '') body.textContent = '(empty)';
    const head = element(
      'div',
      { className: 'head' },
      swatch,
      element('span', { className: 'name', textContent: name(topic) }),
      ...(outlier === 1 ? [element('span', { className: 'tag', textContent: 'outlier' })] : []),
      element('span', { className: 'id', textContent: date === '' ? id : `${id}, ${date}` }),
    );
    const made = element('li', {}, head, body);
    if (isCut && most === excerpt) {
      body.append(
        ' ',
        element('button', {
          type: 'button',
          className: 'link',
          textContent: 'all',
          onclick: () => made.replaceWith(item(index, Infinity)),
        }),
      );
    }
    return made;
  }

  return () => {
    opened.hidden = selection.opened === undefined;
    if (selection.opened !== undefined) opened.replaceChildren(item(selection.opened, Infinity));
    if (shown === selection.shown) return;
    shown = selection.shown;
    length = pageSize;
    list.replaceChildren(...shown.slice(0, length).map((index) => item(index, excerpt)));
    more.hidden = shown.length <= length;
    const part = rows.length < data.documents ? ` (a sample of ${number(data.documents)})` : '';
    count.textContent =
      shown.length === rows.length
        ? `${number(rows.length)} documents${part}`
        : `${number(shown.length)} of ${number(rows.length)} documents${part}`;
  };
}

import { describe, expect, it } from 'vitest';
import { labelTopics } from '../../src/topics/labels.ts';
import type { TopicDocument } from '../../src/topics/gather.ts';
import { topics } from '../../src/topics/topics.ts';

const texts = [
  'The rocket flew to the moon. Nobody saw the rocket there.',
  'A moon and a rocket.',
  'The planet has a moon.',
  'Apple pie with pear.',
  'Pear and apple. And plum cake!',
  'Apple cider.',
  '',
] as const;
const topicOf = [0, 0, 0, 1, 1, 2, 2];
const prototypes = [0, 0, 10, 0, 11, 0];
const stopWords = ['the', 'and', 'with', 'has', 'there', 'nobody', 'saw'];

const documents = (): TopicDocument[] =>
  texts.map((text, index) => ({
    id: `d${index}`,
    text,
    topic: topicOf[index]!,
    q: [0, 1, 2].map((k) => (k === topicOf[index] ? 0.8 : 0.1)),
    entropy: 0.1 * index,
    distance: 7 - index,
    time: index === 5 ? 'no date' : `199${index}`,
  }));
async function* streamed(): AsyncGenerator<TopicDocument> {
  yield* documents();
}

describe('topics', () => {
  it('are told by words, sizes, documents, outliers and dates', async () => {
    const view = await topics(prototypes, 3, streamed, { stopWords, outliers: { share: 0.3 } });
    expect(view.topics.map(({ id, size, outliers }) => [id, size, outliers])).toEqual([
      [0, 3, 1],
      [1, 2, 0],
      [2, 2, 1],
    ]);
    expect(view.topics[0]!.words.slice(0, 2).map(({ word }) => word)).toEqual(['moon', 'rocket']);
    expect(view.topics[0]!.documents.map(({ id }) => id)).toEqual(['d2', 'd1', 'd0']);
    expect(view.topics[0]!.documents[2]!.sentence).toBe('The rocket flew to the moon.');
    expect(view.topics[0]!.mass).toBeCloseTo(3 * 0.8 + 4 * 0.1, 12);
    expect(view.topics.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(view.outliers.ids).toEqual(['d0', 'd6']);
    expect(view).toMatchObject({ documents: 7, empty: 1, dropped: { words: 0 } });
    expect(view.time).toMatchObject({ period: 'quarter', dated: 6, unreadable: { count: 1, examples: ['no date'] } });
    // apple stands in the lists of topics 1 and 2.
    const words = view.topics.flatMap((topic) => topic.words.map(({ word }) => word));
    expect(view.diversity).toBe(new Set(words).size / words.length);
    expect(view.diversity).toBeLessThan(1);
  });

  it('are merged to as many as asked for, with the words of all', async () => {
    const view = await topics(prototypes, 3, documents, { stopWords, mergeTo: 2 });
    expect(view.topics.map(({ id, prototypes: own, size }) => [id, own, size])).toEqual([
      [0, [0], 3],
      [1, [1, 2], 4],
    ]);
    expect([...view.topicOf]).toEqual([0, 1, 1]);
    expect(await topics(prototypes, 3, documents, { stopWords, mergeTo: { price: 0.1 } })).toEqual(view);
    expect(view.topics[1]!.words[0]!.word).toBe('apple');
    expect(view.topics[1]!.documents[0]!.id).toBe('d6');
    expect(view.time!.counts).toHaveLength(2 * view.time!.starts.length);
    expect(view.diversity).toBe(1);
  });

  it('count words softly on request', async () => {
    const soft = await topics(prototypes, 3, documents, { stopWords, counts: 'soft' });
    expect(soft.topics[0]!.words.map(({ word }) => word)).toContain('apple');
    const hard = await topics(prototypes, 3, documents, { stopWords });
    expect(hard.topics[0]!.words.map(({ word }) => word)).not.toContain('apple');
  });

  it('leave out documents without tokens, which are told', async () => {
    const none = { id: 'none', text: '', topic: -1, q: [0, 0, 0], entropy: 0, distance: NaN, time: '1990' };
    const view = await topics(prototypes, 3, () => [none, ...documents()], { outliers: { share: 0.3 } });
    expect(view).toMatchObject({ documents: 8, empty: 2, time: { dated: 6 } });
    expect(view.outliers.ids).toEqual(['d0', 'd6']);
    expect([...view.outliers.flags]).toEqual([0, 1, 0, 0, 0, 0, 0, 1]);
    expect(view.topics.map(({ size }) => size)).toEqual([3, 2, 2]);
    expect(view.coherence).toBe((await topics(prototypes, 3, documents)).coherence);
  });

  it('are not stopped by one date that is far from all others', async () => {
    const view = await topics(prototypes, 3, () =>
      documents().map((each, index) => (index === 2 ? { ...each, time: 8e15 } : each)),
    );
    expect(view.time).toMatchObject({ dated: 5, unreadable: { count: 2, examples: ['8000000000000000', 'no date'] } });
  });

  it.each(['', 'a'])('cut no pair of surrogates in a sentence after %j', async (before) => {
    const text = `${before}${'\u{1f600}'.repeat(200)}`;
    const view = await topics(prototypes, 3, () => documents().map((each) => ({ ...each, text })));
    const { sentence } = view.topics[0]!.documents[0]!;
    expect(sentence.endsWith('\u{1f600}\u2026')).toBe(true);
    expect(sentence).toHaveLength(before === '' ? 301 : 300);
  });

  it('get labels of a function', async () => {
    const view = await topics(prototypes, 3, documents, { stopWords });
    const named = await labelTopics(view, async ({ words }) => (words[1]?.word === 'rocket' ? ' Space ' : undefined));
    expect(named.topics.map(({ label }) => label)).toEqual(['Space', undefined, undefined]);
  });
});

describe('bad input', () => {
  const view = () => topics(prototypes, 3, documents);
  let [pass, less, more] = [0, 0, 0];
  it.each<readonly [what: () => Promise<unknown>, message: string]>([
    [() => topics([], 0, documents), 'The number of topics must be a whole number >= 1, but is 0.'],
    [() => topics(prototypes, 3, () => []), 'Topics need documents, but none came. Give at least one.'],
    [
      () => topics(prototypes, 2, () => documents().map((each) => ({ ...each, q: [0.5, 0.5] }))),
      'A topic is a whole number from 0 to 1, but 2 came.',
    ],
    [
      () => topics(prototypes, 3, () => documents().slice(pass++ % 2)),
      'Documents are read twice and must be the same, but the second time number 0 (counted from 0) was "d1", not "d0".',
    ],
    [
      () => topics(prototypes, 3, () => documents().slice(0, less++ % 2 === 0 ? 7 : 5)),
      'Documents are read twice and must be the same, but the first time 7 came, and the second time 5.',
    ],
    [
      () => topics(prototypes, 3, () => documents().slice(0, more++ % 2 === 0 ? 5 : 7)),
      'Documents are read twice and must be the same, but the first time 5 came, and the second time more.',
    ],
    [
      () => topics(prototypes, 3, () => documents().map((each) => ({ ...each, q: [0.5, 0.5] }))),
      'A document\'s q has a number for each of 3 topics, but that of "d0" has 2.',
    ],
    [() => topics(prototypes.slice(1), 3, documents), '3 topics need 3 prototypes of one length, but 5 numbers came.'],
    [() => topics([], 3, documents), '3 topics need 3 prototypes of one length, but 0 numbers came.'],
    [
      () => topics(prototypes, 3, documents, { representatives: -1 }),
      'representatives must be a whole number >= 0, but is -1.',
    ],
    [
      () => topics(prototypes, 3, documents, { counts: 'none' as never }),
      "counts must be 'soft' or 'hard', but is 'none'.",
    ],
    [
      async () => labelTopics(await view(), () => Promise.reject(new Error('no network'))),
      'The label of topic 0 could not be made: no network',
    ],
    [async () => labelTopics(await view(), () => ''), 'The label of topic 0 must be a text, but is "".'],
    [
      async () => labelTopics(await view(), () => 'x', { concurrency: 0 }),
      'concurrency must be a whole number >= 1, but is 0.',
    ],
  ])('case %#', async (what, message) => {
    await expect(what()).rejects.toThrow(expect.objectContaining({ message }));
  });
});
